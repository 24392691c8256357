import { platform } from '../platform/platform.ts';
import type { Transport, TransportCapabilities, TransportOptions } from '../wire/transport.ts';
import { anything, checkedOptions, isBoolean, isString, oneOf, type OptionChecks } from './option-checks.ts';
import type { SessionOptions, SharedOptions } from './options.ts';

type Needs = readonly (readonly [option: keyof SessionOptions, capability: keyof TransportCapabilities])[];

/** What a platform must be able to do for an option. What only makes things faster is no promise, and taken anywhere. */
const NEEDS: Needs = [
  ['addressPolicy', 'addressPolicy'],
  ['proxy', 'proxy'],
  ['tls', 'tls'],
  ['lookup', 'addressPolicy'],
  ['localAddress', 'tls'],
  ['socketPath', 'tls'],
  ['maxHeaderBytes', 'tls'],
  ['maxRatio', 'rawBodies'],
  ['secretHeaders', 'redirects'],
  ['cookies', 'forbiddenHeaders'],
];

const TLS: OptionChecks = {
  ca: anything,
  cert: anything,
  key: anything,
  passphrase: isString,
  rejectUnauthorized: isBoolean,
  servername: isString,
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
};

/** The transport of a session. @throws {TypeError} when the platform cannot do what the options ask for. */
export function openTransport(given: Partial<SessionOptions>): Transport {
  const transport = platform().createTransport(transportOptions(given));
  const { capabilities } = transport;
  for (const [option, capability] of NEEDS) {
    const value = given[option];
    if (value !== undefined && value !== 'any' && value !== false && !capabilities[capability])
      throw unsupported('new ClientSession', option);
  }
  checkSupported(given, capabilities, 'new ClientSession');
  return transport;
}

/** Of what requests may be given as well. @throws {TypeError} when the platform cannot do it. */
export function checkSupported(
  { redirect, timeout }: Partial<SharedOptions>,
  capabilities: TransportCapabilities,
  call: string,
): void {
  if (redirect !== undefined && !capabilities.redirects) throw unsupported(call, 'redirect');
  if (capabilities.connectTimeout || typeof timeout !== 'object') return;
  if ((timeout.connectMs ?? Infinity) !== Infinity) throw unsupported(call, 'timeout: { connectMs }');
}

function unsupported(call: string, option: string): TypeError {
  return new TypeError(
    `Cannot call ${call} with { ${option} } as this platform has no way to do so: it is '${platform().name}'`,
  );
}

function transportOptions(given: Partial<SessionOptions>): TransportOptions {
  return {
    http: given.http ?? 1,
    keepAliveMs: given.keepAliveMs ?? 15_000,
    addressPolicy: given.addressPolicy ?? 'any',
    tls: given.tls && checkedOptions(given.tls, TLS, 'new ClientSession, { tls },'),
    dnsCacheMs: given.dnsCacheMs ?? 10_000,
    lookup: given.lookup,
    happyEyeballsMs: given.happyEyeballsMs ?? 2_000,
    maxHeaderBytes: given.maxHeaderBytes ?? 16 * 1024,
    localAddress: given.localAddress,
    socketPath: given.socketPath,
  };
}

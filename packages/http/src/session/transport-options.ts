import { platform } from '../platform/platform.ts';
import type { Transport, TransportCapabilities, TransportOptions } from '../wire/transport.ts';
import { anything, checkedOptions, isBoolean, isString, oneOf, type OptionChecks } from './option-checks.ts';
import type { SessionOptions } from './options.ts';

/** What a platform must be able to do for an option. */
const NEEDS: readonly (readonly [option: keyof SessionOptions, capability: keyof TransportCapabilities])[] = [
  ['addressPolicy', 'addressPolicy'],
  ['proxy', 'proxy'],
  ['tls', 'tls'],
  ['lookup', 'addressPolicy'],
  ['localAddress', 'tls'],
  ['socketPath', 'tls'],
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
  const { createTransport, name } = platform();
  const transport = createTransport(transportOptions(given));
  for (const [option, capability] of NEEDS) {
    if (given[option] === undefined || given[option] === 'any' || transport.capabilities[capability]) continue;
    throw new TypeError(
      `Cannot call new ClientSession with { ${option} } as this platform has no way to do so: it is '${name}'`,
    );
  }
  return transport;
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

import { isIP, type Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';

import type { TlsOptions } from '../wire/transport.ts';

/** How many sessions are kept for resumption. */
const MAX_SESSIONS = 100;

/** Sessions of TLS, by server: to be taken up again with less work. */
export class TlsSessions {
  readonly #sessions = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.#sessions.get(key);
  }

  set(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size <= MAX_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#sessions.delete(key);
  }
}

/** With whom, and how. */
export interface HandshakeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
  readonly secureContext: SecureContext;
  readonly protocols: readonly string[];
  readonly sessions: TlsSessions;
}

/** The name that the certificate must have. */
export function certificateName(hostname: string, tls: TlsOptions | undefined): string {
  return tls?.servername ?? hostname;
}

/** Speaks TLS over a socket; gives the socket at once, to be destroyed when nobody waits any more. */
export function handshake(
  socket: Socket,
  options: HandshakeOptions,
  done: (secure: TLSSocket | undefined, error: Error | undefined) => void,
): TLSSocket {
  const name = certificateName(options.hostname, options.tls);
  const key = `${name}|${options.hostname}|${options.port}|${options.protocols.join()}`;
  const session = options.sessions.get(key);
  const secure = connect({
    __proto__: null,
    socket,
    secureContext: options.secureContext,
    rejectUnauthorized: options.tls?.rejectUnauthorized ?? true,
    host: name,
    // An address is no name that a server could be asked for (RFC 6066, section 3).
    servername: isIP(name) === 0 ? name : '',
    ALPNProtocols: [...options.protocols],
    ...(session && { session }),
  } as ConnectionOptions);
  secure.on('session', (next) => options.sessions.set(key, next));
  let called = false;
  const settle = (error: Error | undefined): void => {
    if (called) return;
    called = true;
    if (error) options.sessions.delete(key);
    done(error ? undefined : secure, error);
  };
  secure.once('secureConnect', () => settle(undefined));
  secure.on('error', settle);
  secure.once('close', () => settle(new Error('the connection was closed')));
  return secure;
}

/**
 * Reads certificates and keys.
 *
 * @throws {TypeError} when they cannot be read, or do not belong together.
 */
export function secureContextOf(tls: TlsOptions | undefined): SecureContext {
  const { ca, cert, key, passphrase, minVersion } = tls ?? NONE;
  try {
    return createSecureContext({
      __proto__: null,
      ...(ca !== undefined && { ca: listed(ca) }),
      ...(cert !== undefined && { cert: pem(cert) }),
      ...(key !== undefined && { key: pem(key) }),
      ...(passphrase !== undefined && { passphrase }),
      ...(minVersion !== undefined && { minVersion }),
    } as SecureContextOptions);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`Cannot speak TLS as certificates and keys must be PEM and fit together: ${reason}`, {
      cause: error,
    });
  }
}

type Pem = string | Uint8Array;

const NONE: TlsOptions = Object.freeze(Object.create(null) as TlsOptions);

function listed(ca: Pem | readonly Pem[]): (string | Buffer)[] {
  return (typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca).map(pem);
}

function pem(value: Pem): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}

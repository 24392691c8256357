import type { ConnectPhase, WireFailure } from '../wire/transport.ts';

/** Why there is no connection: the part of a failure that does not depend on the exchange. */
export interface ConnectFailure {
  readonly kind: Extract<WireFailure['kind'], 'connect' | 'policy' | 'unsupported'>;
  readonly phase: ConnectPhase | undefined;
  readonly message: string;
  readonly cause: unknown;
}

/** What an error of Node carries. */
interface SystemError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly reason?: string;
}

const TCP: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused by',
  ECONNRESET: 'connection reset by',
  ETIMEDOUT: 'no answer from',
  EHOSTUNREACH: 'no route to',
  ENETUNREACH: 'no network to',
  EADDRNOTAVAIL: 'no local address to connect from to',
  EACCES: 'not permitted to connect to',
  EPERM: 'not permitted to connect to',
  ENOENT: 'there is no socket at',
  EMFILE: 'too many open files to connect to',
};

/** Of all addresses that were tried. */
export function dialFailure(errors: readonly Error[], where: string): ConnectFailure {
  const texts = errors.map((error) => tcpText(error as SystemError, where));
  return {
    kind: 'connect',
    phase: 'tcp',
    message: [...new Set(texts)].join('; '),
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors, 'no address could be connected to'),
  };
}

function tcpText(error: SystemError, where: string): string {
  const { code, address, port } = error;
  const text = code === undefined ? undefined : TCP[code];
  const host = address?.includes(':') === true && port !== undefined ? `[${address}]` : address;
  const place = host === undefined ? where : port === undefined ? host : `${host}:${port}`;
  return text === undefined ? `${place}: ${error.message}` : `${text} ${place}`;
}

export function lookupFailure(error: Error, hostname: string): ConnectFailure {
  const { code } = error as SystemError;
  const message =
    code === 'ENOTFOUND' || code === 'EAI_NONAME' || code === 'EAI_NODATA'
      ? `there is no host named ${hostname}`
      : code === 'EAI_AGAIN'
        ? `the name ${hostname} could not be looked up for now`
        : `the name ${hostname} could not be looked up: ${error.message}`;
  return { kind: 'connect', phase: 'dns', message, cause: error };
}

const TLS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it has a self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'there is a self-signed certificate in its chain, of an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was signed by an authority that is not trusted, or is not shown',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was signed by an authority that is not trusted',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'it does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'there is no version of TLS that both sides speak',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'there is no version of TLS that both sides speak',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'there is no version of HTTP that both sides speak',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it demands a certificate of the client',
  ECONNRESET: 'it closed the connection during the handshake',
  EPIPE: 'it closed the connection during the handshake',
};

export function tlsFailure(error: Error, where: string, servername: string): ConnectFailure {
  const { code, reason } = error as SystemError;
  const text =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? `its certificate is not valid for host ${servername}`
      : ((code === undefined ? undefined : TLS[code]) ?? reason ?? error.message);
  return { kind: 'connect', phase: 'tls', message: `no TLS with ${where}: ${text}`, cause: error };
}

import type { WireFailure } from '../wire/transport.ts';

/** What an exchange knows of itself when it fails. */
export interface FailureFacts {
  readonly headSeen: boolean;
  readonly reused: boolean;
  readonly maxHeaderBytes: number;
}

interface CodedError extends Error {
  readonly code?: string;
  readonly socket?: { readonly remoteAddress?: string };
}

type Kind = WireFailure['kind'];

const UPLOAD_LENGTH = 'it must be as long as its Content-Length says';

/** What undici calls an error, as the contract of transports names it. */
export function wireFailure(error: Error, facts: FailureFacts): WireFailure {
  const [kind, message] = judged(error, facts);
  // The cause of a failed upload is what the caller gets.
  const cause = kind === 'upload' ? new RangeError(`Cannot send a body as ${UPLOAD_LENGTH}`, { cause: error }) : error;
  return { kind, phase: undefined, message, cause, reused: facts.reused };
}

function judged(error: CodedError, { headSeen, maxHeaderBytes }: FailureFacts): readonly [Kind, string] {
  const { code = '', message } = error;
  const broken: Kind = headSeen ? 'truncated' : 'closed';
  const where = headSeen ? 'within the body' : 'before it answered';
  if (code === 'CORRAL_CONNECTION_GONE') return [broken, `the server closed the connection ${where}`];
  if (code === 'UND_ERR_SOCKET') {
    if (message === 'bad response') return ['protocol', 'the server sent a response that was not asked for'];
    if (message === 'bad upgrade') return ['protocol', 'the server switched protocols without being asked'];
    return [broken, `the server closed the connection ${where}`];
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return ['protocol', `the head is larger than ${maxHeaderBytes} bytes`];
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    if (!headSeen)
      return ['protocol', 'what came is not HTTP/1.1: its Content-Length contradicts the rest of the head'];
    return ['truncated', 'the body is shorter than its Content-Length says'];
  }
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return ['upload', `the body failed: ${UPLOAD_LENGTH}`];
  }
  if (error.name === 'HTTPParserError') {
    const reason = parserText(message);
    if (reason === 'Invalid EOF state') return [broken, `the server closed the connection ${where}`];
    return ['protocol', `what came is not HTTP/1.1: ${reason}`];
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return ['unsupported', message];
  if (code === 'ECONNRESET' || code === 'ECONNABORTED' || code === 'EPIPE') {
    return [broken, `the server reset the connection ${where}`];
  }
  return [broken, `the connection broke ${where}: ${message}`];
}

function parserText(message: string): string {
  return /\((.*)\)$/s.exec(message)?.[1] ?? message;
}

import type { Channel } from './platform/platform.ts';
import type { ConnectionInfo, ConnectPhase } from './wire/transport.ts';
export interface SessionListener { readonly stub?: true }
export interface RequestTrace {
  queued(host: string): void;
  admitted(ms: number): void;
  connecting(phase: ConnectPhase): void;
  sent(info: ConnectionInfo): void;
  information(status: number): void;
  headers(status: number): void;
  chunk(bytes: number): void;
  redirected(status: number, url: string): void;
  retrying(delayMs: number): void;
  ended(bytes: number): void;
  failed(error: unknown): void;
}
export class Tracer {
  constructor(_listener: SessionListener | undefined, _channel: (name: string) => Channel | undefined) {}
  request(_id: number, _method: string, _url: URL): RequestTrace | undefined {
    return undefined;
  }
}

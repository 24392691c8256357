/** Why the counterparts are not tested here, or false on Node: they need its sockets, for RST and for TLS by hand. */
export const elsewhere: string | false = ('Bun' in globalThis || 'Deno' in globalThis) && 'needs the sockets of Node';

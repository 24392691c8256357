/** Answers before the answer: 1xx. */
import { fault, type Faults } from './fault.ts';

export const informational = {
  /** 1xx after 1xx, `gap` ms apart, and never an answer. */
  'endless-1xx': fault({ status: 102, gap: 0 }, async (exchange, { status, gap }) => {
    while (exchange.isOpen) {
      await exchange.head(status);
      // At least a turn of the event loop: others live on it as well.
      await exchange.sleep(gap);
    }
  }),

  /** `n` times a 1xx nobody asked for (100, unless `status` says 102), then 200 `ok`. */
  continues: fault({ n: 1, status: 100 }, async (exchange, { n, status }) => {
    for (let i = 0; i < n && exchange.isOpen; i++) await exchange.head(status);
    await exchange.respond(200, 'ok');
  }),

  /** 103 with a Link, `ms` later 200 `ok`. */
  'early-hints': fault({ n: 1, ms: 10 }, async (exchange, { n, ms }) => {
    for (let i = 0; i < n; i++) await exchange.head(103, { Link: `</style-${i}.css>; rel=preload; as=style` });
    await exchange.sleep(ms);
    await exchange.respond(200, 'ok');
  }),

  /** 101 that nobody asked for; the connection then speaks something else. */
  'unsolicited-101': fault({ protocol: 'websocket' }, async (exchange, { protocol }) => {
    await exchange.head(101, { Connection: 'Upgrade', Upgrade: protocol });
    await exchange.write('\x81\x05hello');
    await exchange.gone;
  }),
} satisfies Faults;

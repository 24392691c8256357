/** A case of this suite: clients in fresh processes, and one nginx for all of them. */
import { nginx, startNginx } from './nginx.mjs';

export function served({ prepare, ...benchmark }) {
  return {
    ...benchmark,
    kind: 'fresh',
    missing: () => nginx === undefined && 'nginx is not installed',
    async open({ folder, core, ...params }) {
      const { origin, close } = await startNginx(folder, core);
      return { ...prepare({ origin, folder, ...params }), close };
    },
  };
}

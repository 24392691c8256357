import { cleanup, withScope } from 'corral';
import type { SaveResult, SaveToOptions, SendForSave } from '../save/contract.ts';
import { readSettings } from '../save/settings.ts';
import { Download } from './save/download.ts';
import { claim, placeOf } from './save/place.ts';

/**
 * Saves the body of a response to a file: to `NAME.part` first, which becomes NAME when it is whole.
 *
 * Guarantees: NAME is the whole file or not touched at all. When the body breaks off it is gone on with by a range
 * request, if the server says that it is still the same version, else from the beginning; two versions are never put
 * together. With `resume`, what has come is left beside `NAME.part.json` when the download fails, is cancelled or killed,
 * and the next call goes on from there; without, it is removed. What cannot be written, and a file that this process is
 * saving already, is refused before anything is sent; of two processes that save it at a time neither gives it what the other
 * has half written. A symbolic link NAME is replaced, one in the place of the part is
 * refused. A process that is killed leaves what it has written; whether a power cut does is up to `fsync` alone.
 *
 * The bytes are saved as they are sent: `Accept-Encoding: identity` is asked for, and an answer that is encoded even so
 * is refused, unless the coding is what the name says: `data.csv.gz` sent as `Content-Encoding: gzip` is saved as it is.
 *
 * Cancellable: the file is closed, and the connection given up, before it throws; once the file has its name it is there.
 *
 * @throws {ChecksumError} when the file does not hash to `sha256`; it has been removed.
 * @throws {SaveFileError} when the file cannot be written: `errno` says why.
 * @throws {BodyLimitError} when it is larger than `maxBytes`: if the server told so, before a byte was written.
 * @throws {TruncatedError} when the body broke off `attempts` times.
 * @throws {ProtocolError} when the answer is none that can be saved.
 * @throws what `send` and `onProgress` throw; a TypeError or RangeError when an option makes no sense.
 */
export async function saveTo(send: SendForSave, path: string | URL, options?: SaveToOptions): Promise<SaveResult> {
  const settings = readSettings(options);
  const place = placeOf(path);
  return withScope(
    async (scope) => {
      const leave = await claim(place, settings.overwrite);
      const download = new Download(send, place, settings, scope);
      try {
        return await download.run();
      } finally {
        // What fails in here has failed before, or leaves a part behind: neither is the outcome.
        await cleanup(() => download.end(), { scope }).catch(() => {});
        leave();
      }
    },
    { name: 'saveTo', scope: settings.scope },
  );
}

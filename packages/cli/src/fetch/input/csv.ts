import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { fromNodeStream, isCancelled } from 'corral';
import { parse, type CsvError, type Info } from 'csv-parse';
import type { Fields } from '../item.ts';
import { MOST_BYTES } from './lines.ts';

/** A row, and the line that it ends on; or what is wrong with it. */
export type Row =
  | { readonly line: number; readonly fields: Fields; readonly fault?: undefined }
  | { readonly line: number; readonly fault: string };

/**
 * The rows of a CSV list with a header; a row that is malformed is a fault, and the rows behind it are read.
 *
 * Cancellable: between two chunks of the source.
 */
export async function* readRows(source: Readable): AsyncGenerator<Row> {
  const faults: Row[] = [];
  let columns: readonly string[] = [];
  const parser = parse({
    bom: true,
    info: true,
    columns: (header: string[]) => (columns = header.map((name) => name.trim())),
    skip_empty_lines: true,
    skip_records_with_error: true,
    trim: true,
    max_record_size: MOST_BYTES,
    on_skip: (error: CsvError | undefined) => {
      const { lines } = error as unknown as { readonly lines?: number };
      faults.push({ line: lines ?? 0, fault: `it must be CSV: ${error?.message ?? 'malformed row'}` });
      return undefined;
    },
  });
  pipeline(source, parser, () => undefined); // an error of the source reaches whoever reads the parser
  let checked = false;
  try {
    for await (const { record, info } of fromNodeStream<{ record: Fields; info: Info }>(parser)) {
      if (!checked && !columns.includes('url')) break;
      checked = true;
      while ((faults[0]?.line ?? Infinity) < info.lines) yield faults.shift() as Row;
      yield { line: info.lines, fields: record };
    }
  } catch (error) {
    if (isCancelled(error) || (error as CsvError).code !== 'CSV_MAX_RECORD_SIZE') throw error;
    yield* faults.splice(0);
    yield { line: (error as { lines?: number }).lines ?? 0, fault: (error as Error).message };
  }
  if (!columns.includes('url')) {
    yield { line: 1, fault: `the header must have a column url: current value is ${columns.join(', ') || 'nothing'}` };
    return;
  }
  yield* faults.splice(0);
}

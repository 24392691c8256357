/** What came is not JSON; shows where it starts, and the status where that explains it. */
export class NotJson extends Error {
  constructor(text: string, status: number | undefined, cause: unknown) {
    const start = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    const what = text === '' ? 'it is empty' : `it begins with ${JSON.stringify(start)}`;
    const of = status === undefined || status === 200 ? '' : ` of a response with status ${status}`;
    super(`the body${of} is not JSON: ${what}`, { cause });
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validate, type StandardSchemaResult, type StandardSchemaV1 } from '../src/standard-schema.ts';

function schema<T>(
  check: (value: unknown) => StandardSchemaResult<T> | Promise<StandardSchemaResult<T>>,
): StandardSchemaV1<unknown, T> {
  return { '~standard': { version: 1, vendor: 'test', validate: check } };
}

test('validate: gives what the schema makes of the value', async () => {
  const trimmed: string = await validate(
    schema((value) => ({ value: String(value).trim() })),
    ' x ',
  );
  assert.equal(trimmed, 'x');
  assert.equal(
    await validate(
      schema(async () => ({ value: undefined })),
      1,
    ),
    undefined,
  );
});

test('validate: says where the value is wrong, and why', async () => {
  const refusing = schema(() => ({
    issues: [
      { message: 'Required', path: ['user', { key: 'first name' }, 0, 'x'] },
      { message: 'Not that' },
      { message: 'Odd', path: [Symbol('s')] },
    ],
  }));
  await assert.rejects(validate(refusing, {}), {
    name: 'ValidationError',
    message:
      'Cannot use a value as its schema refuses it: user["first name"][0].x: Required; Not that; [Symbol(s)]: Odd',
  });
});

test('validate: the error has all issues, and its message the first', async () => {
  const issues = Array.from({ length: 7 }, (_, at) => ({ message: `no ${at}`, path: [at] }));
  await assert.rejects(
    validate(
      schema(() => ({ issues })),
      {},
    ),
    (error: Error & { issues?: unknown }) => {
      assert.match(error.message, /\[4\]: no 4 \(and 2 more\)$/);
      assert.deepEqual(error.issues, issues);
      return true;
    },
  );
});

test('validate: takes schemas that are functions', async () => {
  const callable = Object.assign(
    () => {},
    schema((value) => ({ value })),
  );
  assert.equal(await validate(callable, 5), 5);
});

test('validate: what the schema throws is passed on as it is', async () => {
  const failure = new Error('bug');
  const throwing = schema(() => {
    throw failure;
  });
  await assert.rejects(validate(throwing, 1), (error) => error === failure);
});

test('validate: rejects what is no schema', async () => {
  for (const none of [undefined, null, {}, { parse: () => 1 }, { '~standard': {} }]) {
    await assert.rejects(validate(none as unknown as StandardSchemaV1, 1), {
      name: 'TypeError',
      message: /Standard Schema/,
    });
  }
});

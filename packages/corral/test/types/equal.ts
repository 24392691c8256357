/** What type tests are made of. They are compiled and never run. */

/** Whether two types are the same, `any` and `unknown`, optional and readonly told apart. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles when its argument has exactly the type that is named: `expectType<string>()(value)`. */
export declare function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Equal<Actual, Expected> extends true ? [] : [{ expected: Expected; actual: Actual }]
) => void;

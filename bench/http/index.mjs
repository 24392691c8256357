import { file } from './file.mjs';
import { many } from './many.mjs';
import { small } from './small.mjs';

export default [small, file, many];

/** axios' side. */
import axios from 'axios';

export function gets(url) {
  return { get: async () => (await axios.get(url, { responseType: 'text' })).data, close: () => {} };
}

/** The numbers that are reported of a list of samples. */

export function quantile(sorted, q) {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export function median(values) {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** `spread` is half the interquartile range as a share of the median: half of all samples lie within it. */
export function summarize(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = quantile(sorted, 0.5);
  return {
    median: middle,
    min: sorted[0],
    max: sorted.at(-1),
    spread: middle === 0 ? 0 : (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / middle,
    samples: sorted.length,
  };
}

// What check-docs.mjs reads in Markdown files and doc comments: fences, links and the anchors links can point at.

/** `lines` without a container's prefix; a line that is undefined lies outside of what is read. */
export function readMarkdown(lines) {
  const document = { fences: [], links: [], anchors: new Set(), problems: [] };
  let open;
  for (const [index, line] of lines.entries()) {
    const line1 = index + 1;
    const mark = /^\s*(`{3,}|~{3,})(.*)$/.exec(line ?? '');
    if (open && line === undefined) open = unclosed(document, open);
    else if (open && mark && mark[1].startsWith(open.mark) && mark[2].trim() === '') open = closed(document, open);
    else if (open) open.body.push(line);
    else if (mark) open = { mark: mark[1], info: mark[2].trim().split(/\s+/), line: line1, body: [] };
    else if (line !== undefined) readText(document, line, line1);
  }
  if (open) unclosed(document, open);
  return document;
}

/** Both end a fence: what is open then is nothing. */
function unclosed(document, { line }) {
  document.problems.push({ line, message: 'the fence that opens here is never closed' });
  return undefined;
}

function closed(document, { info: [language, ...marks], line, body }) {
  document.fences.push({ language, marks, line, body });
  return undefined;
}

function readText(document, line, number) {
  const heading = /^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/.exec(line);
  if (heading) addAnchor(document.anchors, slug(heading[1]));
  for (const [, id] of line.matchAll(/<\w+[^>]*\s(?:id|name)="([^"]+)"/g)) document.anchors.add(id);
  const text = line.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '');
  const patterns = [
    /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g,
    /^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?/g,
    /\s(?:href|src)="([^"]+)"/g,
  ];
  for (const [, target] of patterns.flatMap((pattern) => [...text.matchAll(pattern)])) {
    document.links.push({ target, line: number });
  }
}

/** A heading's anchor, as GitHub makes it. */
function slug(heading) {
  const text = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]+>/g, '');
  const kept = text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '');
  return kept.trim().replaceAll(' ', '-');
}

/** The second heading of a name gets -1, the third -2. */
function addAnchor(anchors, name) {
  let unique = name;
  for (let count = 1; anchors.has(unique); count++) unique = `${name}-${count}`;
  anchors.add(unique);
}

/**
 * The doc comments of a source file as Markdown lines of the same numbers and columns; code is undefined. Fences count
 * wherever they stand, examples must have a title.
 */
export function readDocComments(lines) {
  const untitled = [];
  let inside = false;
  const kept = lines.map((line, index) => {
    if (/^\s*\/\*\*/.test(line)) inside = !line.includes('*/');
    else if (inside && line.includes('*/')) inside = false;
    else if (inside) {
      if (/^\s*\* @example\s*$/.test(line)) untitled.push({ line: index + 1, message: 'an @example needs a title' });
      return line.replace(/^(\s*)\*/, '$1 ');
    }
    return undefined;
  });
  const document = readMarkdown(kept);
  return { ...document, links: [], problems: [...document.problems, ...untitled] };
}

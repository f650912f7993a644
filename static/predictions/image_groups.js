// Divide images into groups that are uploaded with one request.
const MAX_GROUP_FILES = 16;
const MAX_GROUP_BYTES = 8 * 2 ** 20;

export function* splitIntoGroups(images) {
  let group = [];
  let bytes = 0;
  for (const image of images) {
    if (group.length === MAX_GROUP_FILES || (group.length && bytes + image.file.size > MAX_GROUP_BYTES)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(image);
    bytes += image.file.size;
  }
  if (group.length) yield group;
}

// Files are read before they are sent: the browser reports a file that was deleted meanwhile as a lost connection. The server
// rejects an empty file, so that the batch job lists it as failed.
export async function readFile(file) {
  const data = await file.arrayBuffer().catch(() => new ArrayBuffer(0));
  return new File([data], file.name, { type: file.type });
}

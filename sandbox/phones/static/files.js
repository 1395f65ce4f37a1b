import { channelOf } from "./channels.js";

// A file that the person picks, as the body of `say`.

const MB = 1024 * 1024;

/** A chosen file as the body of `say`. raises: Error with words for the phone */
export async function sayFile(file, thread) {
  const { biggest, image, name } = channelOf(thread);
  if (file.size > biggest) throw new Error(`${name} takes files up to ${biggest / MB} MB; this one is larger.`);
  if (file.size === 0) throw new Error("This file is empty.");
  const mime = file.type || "application/octet-stream";
  const data = await base64(file);
  if (image.test(mime)) return { image: { mime, data, filename: file.name } };
  const kind = /^(audio|video)\//u.exec(mime)?.[1];
  if (thread.channel === "messenger") return { [kind ?? "file"]: { mime, data, filename: file.name } };
  return { document: { mime, data, filename: file.name } };
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",", 2)[1] ?? ""));
    reader.addEventListener("error", () => reject(new Error("This file could not be read.")));
    reader.readAsDataURL(file);
  });
}

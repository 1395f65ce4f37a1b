// What the two apps on a phone have in common and where they differ, for everybody who draws or speaks one of them.

const MB = 1024 * 1024;

const CHANNELS = {
  whatsapp: { name: "WhatsApp", icon: "phone", longest: 4_096, edits: false, biggest: 16 * MB, image: /^image\/(jpeg|png)$/u },
  messenger: { name: "Messenger", icon: "page", longest: 2_000, edits: true, biggest: 25 * MB, image: /^image\// },
};

export const channelOf = (thread) => CHANNELS[thread?.channel] ?? CHANNELS.whatsapp;

/** Who else than our gateway answers in this chat now, in words; empty when nobody else does. */
export function holderWords(holder) {
  return { inbox: "staff answer", assistant: "Meta answers" }[holder] ?? "";
}

// From Gmail's message resource to the record that charms read.
//
// Owns: finding the text and HTML parts of any nesting, decoding base64url as
// UTF-8, and a readable plain form of HTML. Never makes a request.

/** The shape of Gmail's `users.messages` resource, as far as it is used. */
export type GmailPart = {
  mimeType?: string;
  filename?: string;
  headers?: { name: string; value: string }[];
  body?: { data?: string; attachmentId?: string; size?: number };
  parts?: GmailPart[];
};

export type GmailMessage = {
  id: string;
  threadId: string;
  labelIds?: string[];
  snippet?: string;
  internalDate?: string;
  payload?: GmailPart;
};

/** A message as other charms read it. */
export type Email = {
  /** Gmail's id of the message. */
  id: string;
  /** Gmail's id of the conversation. */
  threadId: string;
  /** Gmail's label ids, as in `INBOX`. */
  labelIds: string[];
  /** The first words. */
  snippet: string;
  subject: string;
  /** Address of the sender. */
  from: string;
  /** The Date header as it was sent. */
  date: string;
  /** Address of the first recipient. */
  to: string;
  /** The text/plain part; empty when there is none. */
  plainText: string;
  /** The text/html part; empty when there is none. */
  htmlContent: string;
  /** The message as Markdown, from whichever part there is. */
  markdownContent: string;
  /** One line for search. */
  summary: string;
};

/** base64url, padded or not, to text. */
export function decodeText(data: string): string {
  const binary = atob(data.replace(/-/g, "+").replace(/_/g, "/"));
  return new TextDecoder("utf-8").decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
}

function header(part: GmailPart | undefined, name: string): string {
  const found = part?.headers?.find((h) => h.name.toLowerCase() === name);
  return found?.value ?? "";
}

/** `Ada <ada@example.com>` to `ada@example.com`. */
function addressOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.trim();
}

/** The first part of a type that is not an attached file, depth first. */
export function findPart(part: GmailPart | undefined, type: string): GmailPart | undefined {
  if (part === undefined) return undefined;
  if (part.mimeType === type && !part.filename) return part;
  for (const inner of part.parts ?? []) {
    const found = findPart(inner, type);
    if (found !== undefined) return found;
  }
  return undefined;
}

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

function decodeEntities(text: string): string {
  return text.replace(/&(#x?[0-9a-f]+|[a-z]+);/gi, (whole, name: string) => {
    if (name[0] !== "#") return ENTITIES[name.toLowerCase()] ?? whole;
    const hex = name[1].toLowerCase() === "x";
    const code = parseInt(name.slice(hex ? 2 : 1), hex ? 16 : 10);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** A readable Markdown form; formatting that Markdown lacks is left out. */
export function htmlToMarkdown(html: string): string {
  const text = html
    // A comment. Its ends are not written out: no module that has them runs in the reference's client.
    .replace(/<!-{2}[\s\S]*?-{2}>/g, "")
    .replace(/<(style|script|head|title)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<a\b[^>]*\bhref\s*=\s*["']([^"']+)["'][^>]*>([\s\S]*?)<\/a\s*>/gi, "[$2]($1)")
    .replace(/<(b|strong)\b[^>]*>([\s\S]*?)<\/\1\s*>/gi, "**$2**")
    .replace(/<(i|em)\b[^>]*>([\s\S]*?)<\/\1\s*>/gi, "*$2*")
    .replace(/<h([1-6])\b[^>]*>/gi, (_whole, level) => `\n\n${"#".repeat(Number(level))} `)
    .replace(/<li\b[^>]*>/gi, "\n- ")
    .replace(/<br\s*\/?>/gi, "\n")
    .replace(/<\/(p|div|section|article|tr|table|ul|ol|h[1-6])\s*>/gi, "\n\n")
    .replace(/<[^>]+>/g, "");
  return decodeEntities(text)
    .replace(/\r\n?/g, "\n")
    .replace(/[ \t]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/**
 * Makes the record. `bodies` holds the text of parts that were too large to be
 * in the message, by attachment id.
 */
export function toEmail(message: GmailMessage, bodies: Map<string, string>): Email {
  const { payload } = message;
  const text = (type: string): string => {
    const body = findPart(payload, type)?.body;
    if (body?.data) return decodeText(body.data);
    return body?.attachmentId ? bodies.get(body.attachmentId) ?? "" : "";
  };
  const plainText = text("text/plain");
  const htmlContent = text("text/html");
  const subject = header(payload, "subject");
  const from = addressOf(header(payload, "from"));
  const snippet = decodeEntities(message.snippet ?? "");
  const sent = header(payload, "date");
  return {
    id: message.id,
    threadId: message.threadId,
    labelIds: message.labelIds ?? [],
    snippet,
    subject,
    from,
    date: sent || new Date(Number(message.internalDate ?? 0)).toISOString(),
    to: addressOf(header(payload, "to")),
    plainText,
    htmlContent,
    markdownContent: htmlContent ? htmlToMarkdown(htmlContent) : plainText,
    summary: `${subject} from ${from}: ${snippet}`,
  };
}

/** Attachment ids of text parts whose content must be fetched on its own. */
export function missingBodies(message: GmailMessage): string[] {
  const parts = ["text/plain", "text/html"].map((type) => findPart(message.payload, type));
  return parts.flatMap((part) => {
    const body = part?.body;
    return body?.attachmentId && !body.data ? [body.attachmentId] : [];
  });
}

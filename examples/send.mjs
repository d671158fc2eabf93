// Export one invoice and wait for its bill, with Node only: no packages, the Redis protocol over a socket.
//
// REDIS_URL=redis://... node send.mjs PROJECT_ID INVOICE_ID          (for rediss://, connect with node:tls)

import { randomUUID } from "node:crypto";
import net from "node:net";

const [project_id, invoice_id] = process.argv.slice(2).map(Number);
const { hostname, port, username, password, pathname } = new URL(process.env.REDIS_URL);
const prefix = process.env.REDIS_KEY_PREFIX ?? "wbs:";

const socket = net.connect(Number(port || 6379), hostname).setEncoding("latin1"); // one character per byte
let received = "";
async function redis(...words) {
  const sizes = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${sizes.join("")}`);
  for (;;) {
    const [, kind, value] = received.match(/^([+:$-])(.*)\r\n/) ?? [];
    const start = kind && value.length + 3;
    const end = kind === "$" && value !== "-1" ? start + Number(value) : start;
    if (kind && (end === start || received.length >= end + 2)) {
      const text = end === start ? value : Buffer.from(received.slice(start, end), "latin1").toString();
      received = received.slice(end === start ? start : end + 2);
      if (kind === "-") throw new Error(text);
      return kind === "$" && value === "-1" ? null : text;
    }
    received += await new Promise((resolve, reject) => socket.once("data", resolve).once("error", reject));
  }
}

if (password) await redis("AUTH", ...[username, password].filter(Boolean).map(decodeURIComponent));
if (pathname.length > 1) await redis("SELECT", pathname.slice(1));
const id = randomUUID();
const body = JSON.stringify([[], { project_id, invoice_id }, null]);
const message = {
  body: Buffer.from(body).toString("base64"),
  "content-type": "application/json",
  "content-encoding": "utf-8",
  headers: { task: "invoices.export", id, lang: "js" },
  properties: { correlation_id: id, body_encoding: "base64", delivery_tag: randomUUID() },
};
await redis("LPUSH", `${prefix}exports`, JSON.stringify(message));
console.log(id);

for (let seconds = 0; seconds < 60; seconds += 0.5) {
  const task = JSON.parse((await redis("GET", `${prefix}celery-task-meta-${id}`)) ?? "{}");
  if (task.status === "SUCCESS" || task.status === "FAILURE") {
    console.log(JSON.stringify(task.result));
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}
socket.end();

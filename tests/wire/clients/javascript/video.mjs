// Video retrieval, which never had a client: the three calls of the documentation by `fetch`; then npm openai 6.49.0, which
// hands on what it does not know (`dataSources`, `enhancements`).
import { AzureOpenAI } from "openai";

const { WIRE_ENDPOINT, WIRE_KEY, WIRE_VIDEO, WIRE_QUESTION } = process.env;
const INDEXES = `${WIRE_ENDPOINT}/computervision/retrieval/indexes`;
const VERSION = "api-version=2023-05-01-preview";
const INDEX = "js-video-index";

async function call(method, path, body) {
  const reply = await fetch(`${INDEXES}/${path}${path.includes("?") ? "&" : "?"}${VERSION}`, {
    method,
    headers: { "Ocp-Apim-Subscription-Key": WIRE_KEY, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await reply.text();
  return { status: reply.status, body: text ? JSON.parse(text) : null, headers: reply.headers };
}

async function ingested() {
  const index = await call("PUT", INDEX, {
    metadataSchema: { fields: [{ name: "cameraId", searchable: false, filterable: true, type: "string" }] },
    features: [{ name: "vision", domain: "surveillance" }, { name: "speech" }],
  });
  const started = await call("PUT", `${INDEX}/ingestions/my-ingestion`, {
    videos: [{ mode: "add", documentId: "talk", documentUrl: WIRE_VIDEO, metadata: { cameraId: "camera1" } }],
    includeSpeechTranscrpt: true,
  });
  const states = [];
  do {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const polled = await fetch(started.headers.get("operation-location"), {
      headers: { "Ocp-Apim-Subscription-Key": WIRE_KEY },
    });
    states.push((await polled.json()).state);
  } while (states.at(-1) === "Running" && states.length < 800);
  return { index: index.status, started: started.status, fields: index.body.metadataSchema.fields.map((f) => f.name), states };
}

async function found() {
  const reply = await call("POST", `${INDEX}:queryByText`, {
    queryText: WIRE_QUESTION,
    filters: {
      stringFilters: [{ fieldName: "cameraId", values: ["camera1"] }],
      featureFilters: ["speech"],
    },
  });
  return { first: reply.body.value[0] };
}

const BODY = {
  model: "foveal",
  max_tokens: 300,
  enhancements: { video: { enabled: true } },
  dataSources: [
    {
      type: "AzureComputerVisionVideoIndex",
      parameters: { computerVisionBaseUrl: `${WIRE_ENDPOINT}/computervision`, computerVisionApiKey: WIRE_KEY, indexName: INDEX, videoUrls: [WIRE_VIDEO] },
    },
  ],
  messages: [
    { role: "user", content: [{ type: "acv_document_id", acv_document_id: "talk" }, { type: "text", text: WIRE_QUESTION }] },
  ],
};
const client = new AzureOpenAI({ endpoint: WIRE_ENDPOINT, apiKey: WIRE_KEY, apiVersion: "2024-02-15-preview" });
const links = (context) => context?.citations?.map((citation) => citation.url) ?? null;

async function whole(body = BODY) {
  const reply = await client.chat.completions.create(body);
  const { message, finish_reason: finish } = reply.choices[0];
  return { text: message.content, links: links(message.context), finish };
}

async function streamed() {
  let [text, cited, chunks] = ["", null, 0];
  for await (const event of await client.chat.completions.create({ ...BODY, stream: true })) {
    chunks += 1;
    for (const { delta } of event.choices) {
      text += delta?.content ?? "";
      cited ??= links(delta?.context);
    }
  }
  return { text, links: cited, chunks };
}

async function unknown() {
  const [{ content: [, words] }] = BODY.messages;
  const messages = [{ role: "user", content: [{ type: "acv_document_id", acv_document_id: "nothing" }, words] }];
  const reply = await client.chat.completions.create({ ...BODY, messages });
  return { told: JSON.parse(reply.choices[0].message.context.messages[0].content) };
}

for (const [name, ask] of Object.entries({ ingested, found, whole, streamed, unknown })) {
  console.log(JSON.stringify({ case: name, ...(await ask()) }));
}
const removed = await call("DELETE", INDEX);
const after = await call("GET", INDEX);
console.log(JSON.stringify({ case: "removed", status: removed.status, after: after.status, code: after.body.error.code }));

// npm @azure/openai 1.0.0-beta.12, the last one with data sources built in.
import { readFileSync } from "node:fs";
import { AzureKeyCredential, OpenAIClient } from "@azure/openai";

const { WIRE_ENDPOINT, WIRE_KEY, WIRE_INDEX, WIRE_QUESTION, WIRE_IMAGE } = process.env;
const DEPLOYMENT = "foveal";
const open = (key) => new OpenAIClient(WIRE_ENDPOINT, new AzureKeyCredential(key), { allowInsecureConnection: true });
const client = open(WIRE_KEY);
const url = `data:image/png;base64,${readFileSync(WIRE_IMAGE).toString("base64")}`;
const PLAIN = [{ role: "user", content: WIRE_QUESTION }];
const VISION = [
  { role: "user", content: [{ type: "text", text: "Describe this picture:" }, { type: "image_url", imageUrl: { url } }] },
];
const DATA = {
  azureExtensionOptions: {
    extensions: [
      {
        type: "azure_search",
        endpoint: "https://search.example.net",
        indexName: WIRE_INDEX,
        authentication: { type: "api_key", key: "theirs" },
      },
    ],
  },
};

const files = (context) => context?.citations?.map((citation) => citation.filepath) ?? null;

async function whole(from, messages, options = {}, deployment = DEPLOYMENT) {
  const reply = await from.getChatCompletions(deployment, messages, { maxTokens: 300, ...options });
  const { message, finishReason } = reply.choices[0];
  return { text: message.content, files: files(message.context), finish: finishReason };
}

async function streamed(from, messages, options = {}, deployment = DEPLOYMENT) {
  const events = await from.streamChatCompletions(deployment, messages, { maxTokens: 300, ...options });
  let [text, cited, chunks] = ["", null, 0];
  for await (const event of events) {
    chunks += 1;
    for (const { delta } of event.choices) {
      text += delta?.content ?? "";
      cited ??= files(delta?.context);
    }
  }
  return { text, files: cited, chunks };
}

async function tell(name, call) {
  let outcome;
  try {
    outcome = await call();
  } catch (error) {
    outcome = { error: error.name ?? error.constructor?.name ?? "Error", status: error.statusCode ?? Number(error.status) ?? null, code: String(error.code), says: String(error.message) };
  }
  console.log(JSON.stringify({ case: name, ...outcome }));
}

for (const [suffix, ask] of [["", whole], [" streamed", streamed]]) {
  await tell(`plain${suffix}`, () => ask(client, PLAIN));
  await tell(`vision${suffix}`, () => ask(client, VISION));
  await tell(`data of 2024${suffix}`, () => ask(client, PLAIN, DATA));
  await tell(`unknown deployment${suffix}`, () => ask(client, PLAIN, {}, "nothing"));
  await tell(`bad key${suffix}`, () => ask(open("wrong"), PLAIN));
}
await tell("embeddings", async () => {
  const reply = await client.getEmbeddings("foveal-embedding", ["parrots", "cages"]);
  return { lengths: reply.data.map((item) => item.embedding.length) };
});

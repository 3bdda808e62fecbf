// npm @azure-rest/ai-vision-image-analysis 1.0.0-beta.3: the features of a picture by its bytes, and what is wrong.
import { readFileSync } from "node:fs";
import analysis from "@azure-rest/ai-vision-image-analysis";

const { default: createClient, isUnexpected } = analysis; // a CommonJS package

const { WIRE_ENDPOINT, WIRE_KEY, WIRE_IMAGE } = process.env;
const open = (key) => createClient(WIRE_ENDPOINT, { key }, { allowInsecureConnection: true });

async function analyze(key, body, contentType, features) {
  const reply = await open(key).path("/imageanalysis:analyze").post({
    body,
    contentType,
    queryParameters: { features, "smartcrops-aspect-ratios": [1.0] },
    skipUrlEncoding: true,
  });
  if (isUnexpected(reply)) {
    return { status: Number(reply.status), code: reply.body.error.code };
  }
  const { metadata, captionResult, tagsResult, objectsResult, readResult, smartCropsResult } = reply.body;
  return {
    status: Number(reply.status),
    size: [metadata.width, metadata.height],
    caption: captionResult?.text ?? null,
    tags: tagsResult?.values.map((tag) => tag.name) ?? null,
    objects: objectsResult?.values.map((object) => object.tags[0].name) ?? null,
    blocks: readResult?.blocks.length ?? null,
    crop: smartCropsResult ? smartCropsResult.values[0].boundingBox.w : null,
  };
}

const picture = readFileSync(WIRE_IMAGE);
const bytes = "application/octet-stream";
const cases = {
  everything: () => analyze(WIRE_KEY, picture, bytes, ["Caption", "Tags", "Objects", "Read", "SmartCrops"]),
  "one feature": () => analyze(WIRE_KEY, picture, bytes, ["Tags"]),
  "bad image": () => analyze(WIRE_KEY, Buffer.from("no image"), bytes, ["Tags"]),
  "bad address": () => analyze(WIRE_KEY, { url: "https://nowhere.invalid/a.png" }, "application/json", ["Tags"]),
  "bad key": () => analyze("wrong", picture, bytes, ["Tags"]),
};
for (const [name, call] of Object.entries(cases)) {
  console.log(JSON.stringify({ case: name, ...(await call()) }));
}

// A conversation that somebody shared, as its reader may see it.

import { TurnView } from "./answer.js";
import { call } from "./api.js";
import { $, h } from "./dom.js";
import { turnsOf } from "./kept-turns.js";
import { SourcePanel } from "./source.js";
import { moment, t, tn } from "./words.js";

const place = $("#talk");
const panel = new SourcePanel($("#source"), $(".app"));
const views = [];

function open(turn, items, at, opener) {
  panel.open(items, at, { question: turn.question.text, opener });
}

panel.addEventListener("change", () => { for (const one of views) one.showOpen(panel.current); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && panel.isOpen) panel.close(); });

try {
  const id = location.pathname.split("/").pop();
  const details = await call(`/v1/shared/${encodeURIComponent(decodeURIComponent(id))}?format=html`);
  $("#title").textContent = details.title || t("history.unnamed");
  $("#about").textContent = t("shared.about", { date: moment(details.updated_at) });
  if (details.withheld) place.before(h("p.notice", { id: "withheld", role: "status" }, tn("shared.withheld", details.withheld)));
  for (const turn of turnsOf(details)) {
    const view = new TurnView(turn, { onopen: open });
    views.push(view);
    place.append(view.element);
  }
} catch (error) {
  const gone = error.status === 404;
  $("#about").textContent = "";
  place.replaceChildren(h("div.notice.bad", { role: "alert" },
    h("p", {}, h("b", {}, gone ? t("shared.gone") : error.message)), h("p", {}, gone ? t("shared.gone_more") : error.remedy ?? "")));
}

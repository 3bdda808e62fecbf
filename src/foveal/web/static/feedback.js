// What a person thinks of an answer: up or down, and why.

import { call } from "./api.js";
import { $$, h, toast } from "./dom.js";
import { citationsOf } from "./keeping.js";
import { t } from "./words.js";

const REASONS = ["wrong", "incomplete", "not_in_data", "wrong_source", "harmful", "other"];

/** Say it; saying the same again takes it back. A bad answer may be given reasons. */
export async function giveFeedback(turn, rating, button) {
  const id = turn.finished.id;
  const buttons = $$("[aria-pressed]", button.parentElement);
  const press = (now) => buttons.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.rating === now)));
  try {
    if (turn.feedback === rating) {
      await call(`/v1/feedback/${encodeURIComponent(id)}`, { method: "DELETE" });
      turn.feedback = null;
    } else {
      const told = rating === "down" ? await why() : { reasons: [], comment: "" };
      if (!told) return;
      const citations = citationsOf(turn);
      await call("/v1/feedback", { method: "PUT", body: { answer_id: id, rating, ...told, question: turn.question.text, answer: turn.text, citations } });
      turn.feedback = rating;
      toast(t("feedback.thanks"), { ms: 3000 });
    }
    press(turn.feedback);
  } catch (error) {
    toast(`${error.message} ${error.remedy ?? ""}`.trim());
  }
}

/** Why an answer is bad; null when the person gives up saying it. */
function why() {
  return new Promise((resolve) => {
    const comment = h("textarea.input", { rows: 3, id: "feedback-comment" });
    const boxes = REASONS.map((reason) => h("label.row.small", {}, h("input", { type: "checkbox", value: reason }), t(`feedback.${reason}`)));
    const dialog = h("dialog.dialog", { "aria-labelledby": "feedback-title" },
      h("h2", { id: "feedback-title" }, t("feedback.title")), h("div.reasons", {}, ...boxes),
      h("div.field", {}, h("label", { for: "feedback-comment" }, t("feedback.comment")), comment),
      h("form", { method: "dialog" }, h("button.button.plain", { value: "no" }, t("base.cancel")), h("button.button", { value: "yes" }, t("feedback.send"))));
    dialog.addEventListener("close", () => {
      const reasons = $$("input:checked", dialog).map((one) => one.value);
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? { reasons, comment: comment.value.trim() } : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Good or bad, and why.

import { call } from "./api.js";
import { h, toast } from "./dom.js";
import { answerId, citationsOf } from "./keeping.js";
import { t } from "./words.js";

const REASONS = ["wrong", "incomplete", "not_in_data", "wrong_source", "harmful", "other"];

/** Say what one thinks of an answer; once more takes it back. */
export async function rate(turn, rating, button) {
  turn.id ??= answerId();
  try {
    if (turn.feedback === rating) {
      await call(`/v1/feedback/${encodeURIComponent(turn.id)}`, { method: "DELETE" });
      turn.feedback = null;
    } else {
      const more = rating === "down" ? await reasons() : { reasons: [], comment: "" };
      if (more === null) return;
      await call("/v1/feedback", { method: "PUT", body: { answer_id: turn.id, rating, ...more, question: turn.question.text, answer: turn.text, citations: citationsOf(turn) } });
      turn.feedback = rating;
      toast(t("feedback.thanks"), { ms: 3000 });
    }
  } catch (error) {
    toast(`${error.message} ${error.remedy ?? ""}`.trim());
  }
  for (const one of button.parentElement.querySelectorAll("[data-rating]")) {
    one.setAttribute("aria-pressed", String(one.dataset.rating === turn.feedback));
  }
  button.focus();
}

function reasons() {
  return new Promise((resolve) => {
    const boxes = REASONS.map((name) => h("label.row", {}, h("input", { type: "checkbox", name: "reason", value: name }), t(`feedback.because_${name}`)));
    const comment = h("textarea.input", { id: "comment", rows: "3", maxlength: "10000" });
    const form = h("form", { method: "dialog" },
      h("fieldset.reasons", {}, h("legend", {}, t("feedback.why")), ...boxes),
      h("div.field", {}, h("label", { for: "comment" }, t("feedback.comment")), comment),
      h("div.actions", {},
        h("button.button.plain", { type: "button", onclick: () => dialog.close("") }, t("base.cancel")),
        h("button.button", { value: "yes" }, t("feedback.send"))));
    const dialog = h("dialog.dialog", { "aria-labelledby": "feedback-title" }, h("h2", { id: "feedback-title" }, t("feedback.title")), form);
    dialog.addEventListener("close", () => {
      const chosen = [...form.querySelectorAll("input:checked")].map((one) => one.value);
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? { reasons: chosen, comment: comment.value } : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

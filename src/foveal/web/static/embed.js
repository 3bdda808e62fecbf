// Loaded by a page of another site: <script src="https://SERVER/embed.js" data-label="Ask" async></script>
// Puts a button into the corner, or with data-place="#id" the chat itself into an element.

(() => {
  const script = document.currentScript;
  const { label = "Ask", place = "", title = "Chat" } = script.dataset;
  const frame = document.createElement("iframe");
  frame.src = new URL("/embed", script.src).href;
  frame.title = title;
  frame.setAttribute("loading", "lazy");
  frame.setAttribute("referrerpolicy", "origin");
  Object.assign(frame.style, { border: "0", width: "100%", height: "100%", colorScheme: "auto" });
  if (place) {
    document.querySelector(place).append(frame);
    return;
  }
  const box = document.createElement("div");
  box.hidden = true;
  box.id = "foveal-chat";
  Object.assign(box.style, { position: "fixed", right: "20px", bottom: "84px", width: "min(420px, calc(100vw - 40px))",
    height: "min(640px, calc(100vh - 120px))", borderRadius: "14px", overflow: "hidden", boxShadow: "0 12px 40px rgb(0 0 0 / .28)", zIndex: "2147483000", background: "#fff" });
  box.append(frame);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", "foveal-chat");
  Object.assign(button.style, { position: "fixed", right: "20px", bottom: "20px", padding: "14px 22px", borderRadius: "999px", border: "0",
    background: "#0b6b5b", color: "#fff", font: "600 16px system-ui, sans-serif", cursor: "pointer", zIndex: "2147483000" });
  const turn = (open) => {
    box.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus(); else button.focus();
  };
  button.addEventListener("click", () => turn(box.hidden));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !box.hidden) turn(false); });
  document.body.append(button, box);
})();

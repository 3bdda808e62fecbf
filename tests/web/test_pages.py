"""The pages in a real browser, on a really started server with really ingested files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from .environment import HOSTILE, Server
from .hands import MOST_STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

SUIT = "Which photo shows a person in an orange space suit?"
CAT = "Is there a photo of a cat?"
ORANGE_ROWS = """() => {
    const image = document.querySelector('.source .paper img'), canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data, rows = new Set();
    for (let i = 0; i < rgba.length; i += 4) {
        const [red, green, blue] = rgba.slice(i, i + 3);
        const isMark = red > 225 && green > 90 && green < 160 && blue < 80;
        if (isMark) rows.add(Math.floor(i / 4 / canvas.width) / canvas.height);
    }
    return [...rows];
}"""
"""Where on a drawn page the colour of a match is, in fractions of its height."""
FOUND = """async () => {
    const body = JSON.stringify({ index: 'photos', text: 'launcher on its pad', mode: 'keyword' });
    const { token } = await (await fetch('/v1/session')).json();
    const headers = { 'content-type': 'application/json', ...(token && { 'x-foveal-token': token }) };
    const found = await (await fetch('/v1/search', { method: 'POST', headers, body })).json();
    return Boolean(found.hits?.[0]?.description.startsWith('A launcher waits'));
}"""
HARBOUR = "When does the harbour office open in the morning?"


def _open(page: Page, address: str, index: str = "photos", **options: object) -> None:
    """The chat with an index chosen."""
    page.goto(f"{address}/sign-in")
    page.evaluate("o => localStorage.setItem('foveal.options', JSON.stringify(o))", {"indexes": [index], **options})
    page.goto(f"{address}/")
    page.wait_for_selector("[data-choice=data]")


def _ask(page: Page, question: str) -> None:
    if not page.evaluate("document.activeElement.matches('#question')"):
        page.keyboard.press("/")
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".acts")


def _tab_to(page: Page, selector: str) -> None:
    """Walk there by keyboard alone, as a person must be able to."""
    for _ in range(MOST_STEPS):
        if page.evaluate("s => document.activeElement?.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


def test_a_question_is_asked_its_answer_streams_and_its_source_opens_by_keyboard_alone(
    page: Page, site: Server
) -> None:
    _open(page, site.address)
    page.evaluate("""() => { window.states = new Set(); new MutationObserver(() => {
        for (const name of ['.waiting', '.prose.streaming']) if (document.querySelector(name)) window.states.add(name);
    }).observe(document.body, {childList: true, subtree: true, attributes: true}); }""")
    _ask(page, SUIT)
    assert set(page.evaluate("[...window.states]")) == {".waiting", ".prose.streaming"}
    assert page.locator(".prose .cite").first.inner_text() == "1"
    _tab_to(page, ".card")
    page.keyboard.press("Enter")
    page.wait_for_selector(".source foveal-picture img")
    assert page.locator(".source h2").inner_text() == "astronaut.png"
    assert page.locator(".source .person").inner_text().startswith("A person in an orange space suit")
    assert page.locator(".source .made").inner_text().startswith("Composed by Foveal:")
    assert page.locator(".marks polygon.hit").count() >= 1
    page.keyboard.press("Escape")
    assert page.locator("#source").is_hidden()
    assert page.evaluate("document.activeElement.className") == "card"


def test_strictness_is_changed_by_keyboard_with_notice_and_undo(page: Page, site: Server) -> None:
    _open(page, site.address)
    _ask(page, CAT)
    page.locator("[data-choice=strictness]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast")
    assert page.locator("[data-choice=strictness]").inner_text() == "Strictness 4"
    assert page.locator(".turn").count() == 0
    page.get_by_role("button", name="Undo").press("Enter")
    assert page.locator("[data-choice=strictness]").inner_text() == "Strictness 3"
    assert page.locator(".turn").count() == 1


def test_nothing_in_the_data_is_a_state_with_the_nearest_things(page: Page, site: Server) -> None:
    _open(page, site.address, strictness=5)
    _ask(page, "What does the tax office in Oslo say about deductible travel?")
    assert page.locator(".nothing h2").inner_text() == "Nothing in your data answers this"
    assert page.locator(".card").count() >= 1


def test_a_pdf_opens_at_its_page_with_the_passage_marked(page: Page, site: Server) -> None:
    _open(page, site.address, "papers")
    _ask(page, HARBOUR)
    page.locator(".card", has_text="harbour.pdf").click()
    image = page.locator(".source .paper img")
    image.wait_for()
    page.wait_for_function("() => document.querySelector('.source .paper img').naturalWidth > 500")
    rows = page.evaluate(ORANGE_ROWS)
    assert rows, "no passage is marked"
    assert max(rows) - min(rows) < 0.06, "more than the passage is marked"


def test_a_document_opens_with_its_words_marked(page: Page, site: Server) -> None:
    _open(page, site.address, "papers")
    _ask(page, "What does a hive need within two hundred metres?")
    page.locator(".card", has_text="bees.md").click()
    page.wait_for_selector(".source foveal-reading mark")
    assert "hive" in " ".join(page.locator(".source foveal-reading mark").all_inner_texts())


def test_script_in_names_words_and_documents_never_runs(page: Page, site: Server) -> None:
    _open(page, site.address)
    _ask(page, f"{CAT} {HOSTILE}")
    page.locator(".card").first.click()
    page.wait_for_selector(".source .person")
    page.goto(f"{site.address}/gallery?index=photos")
    page.wait_for_selector(".cell img")
    page.locator(".cell", has_text="onerror").or_(page.locator(".cell[aria-label*=onerror]")).first.click()
    page.wait_for_selector(".source h2")
    assert HOSTILE in page.locator(".source").inner_text().replace("\n", "")
    assert page.evaluate("window.pwned === undefined")
    page.goto(f"{site.address}/gallery?index=papers&q=hive")
    page.wait_for_selector(".cell")
    assert page.evaluate("window.pwned === undefined")


def test_settings_say_what_they_do_and_removing_data_warns_clears_and_resets(page: Page, site: Server) -> None:
    _open(page, site.address, documents=7)
    _ask(page, CAT)
    page.goto(f"{site.address}/settings")
    page.wait_for_selector("#in-data li b")
    assert page.locator("#in-documents").input_value() == "7"
    for field in page.locator(".setting").all():
        assert field.locator(".effect").inner_text()
    page.get_by_role("button", name="Remove photos").press("Enter")
    dialog = page.get_by_role("dialog")
    assert "clears the chat and resets all settings" in dialog.inner_text()
    dialog.get_by_role("button", name="Remove").click()
    page.wait_for_selector(".toast")
    assert page.locator("#in-documents").input_value() == "5"
    page.get_by_role("link", name="Back to the chat").click()
    page.wait_for_selector(".welcome")
    assert page.locator("[data-choice=data]").inner_text() == "Without your data"


def test_the_gallery_finds_filters_and_shows_everything_known(page: Page, site: Server) -> None:
    page.goto(f"{site.address}/gallery?index=photos")
    page.wait_for_selector(".cell img")
    assert page.locator("#count").inner_text() == "5 items"
    page.keyboard.press("/")
    page.keyboard.type("espresso in a red cup")
    page.wait_for_function("() => document.querySelector('#count').textContent.includes('found')")
    page.locator(".cell").first.wait_for()
    expect(page.locator(".cell").first).to_have_attribute("aria-label", re.compile("^Espresso in a red cup\\."))
    page.locator("#words").fill("")
    page.wait_for_function("() => document.querySelector('#count').textContent === '5 items'")
    expect(page.locator("#add-filter")).to_be_enabled()
    page.locator("#add-filter").press("Enter")
    option = page.locator(".builder .option").first
    value, count = option.locator("span").inner_text(), int(option.locator("small").inner_text())
    option.press("Enter")
    shown = f"{count} item" + ("" if count == 1 else "s")
    page.wait_for_function("shown => document.querySelector('#count').textContent === shown", arg=shown)
    assert page.locator("#chips .chip").first.inner_text().startswith(f"has a {value}")
    page.locator(".cell").first.press("Enter")
    page.wait_for_selector(".source foveal-picture img")
    facts = page.locator(".source .kv").inner_text()
    assert "Composed by Foveal" in facts
    assert "pixels" in facts
    page.get_by_role("link", name="Similar photos").press("Enter")
    page.wait_for_selector("#search-images .one")
    page.wait_for_function("() => document.querySelector('#count').textContent.includes('found')")


def test_suggestions_are_made_of_the_data_and_ask_themselves(page: Page, site: Server) -> None:
    _open(page, site.address, "papers")
    page.get_by_role("button", name="What is “Harbour rules” about?").press("Enter")
    page.wait_for_selector(".acts")


def test_view_code_shows_the_request_of_this_chat(page: Page, site: Server) -> None:
    _open(page, site.address)
    page.locator("#view-code").press("Enter")
    page.wait_for_function("() => document.querySelector('pre.code')?.textContent.includes('curl --silent')")
    page.get_by_role("tab", name="Python").press("Enter")
    page.wait_for_function("() => document.querySelector('pre.code').textContent.includes('AzureOpenAI(')")
    assert '"index_name": "photos"' in page.locator("pre.code").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_keys_go_places(page: Page, site: Server) -> None:
    page.goto(f"{site.address}/settings")
    page.locator("body").press("g")
    page.keyboard.press("g")
    page.wait_for_url("**/gallery**")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").inner_text().startswith("Keys")


def test_a_picture_is_attached_boxed_by_keyboard_and_asked_about(page: Page, site: Server) -> None:
    _open(page, site.address)
    page.locator("#files").set_input_files(str(site.home.parent / "photos" / "coffee.png"))
    page.locator(".attachment .open").press("Enter")
    page.wait_for_selector("dialog foveal-picture.drawing")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector(".attachment .marks .hit")
    _ask(page, "Do we have this picture?")
    assert page.locator(".question .thumbs img").count() == 1
    page.locator(".card", has_text="coffee.png").first.wait_for()


def test_a_source_points_at_the_thing_that_the_picture_of_the_question_shows_too(
    page: Page, site: Server, tmp_path: Path
) -> None:
    """C5: the cup of a photo on other ground: the cup, and nothing else that both may have, is boxed."""
    photo = Image.open(site.home.parent / "photos" / "coffee.png").convert("RGB")
    shown = Image.new("RGB", (480, 360), (140, 120, 100))
    shown.paste(photo.crop((130, 45, 445, 345)).resize((235, 224)), (200, 100))
    shown.save(tmp_path / "shown.png")
    _open(page, site.address)
    page.locator("#files").set_input_files(str(tmp_path / "shown.png"))
    page.wait_for_selector(".attachment .open")
    _ask(page, "How does this relate to my photos?")
    card = page.locator(".card", has_text="coffee.png").first
    assert "same object" in page.locator(".prose").last.inner_text()
    drawn = card.locator("img").get_attribute("src") or ""
    assert drawn.count("&box=") == 1
    assert ";" not in drawn.split("&box=")[1]
    card.click()
    page.wait_for_selector(".source .marks polygon.hit")
    assert "same cup" in page.inner_text(".source .kv")


def test_words_are_put_on_any_image_and_found(page: Page, site: Server) -> None:
    page.goto(f"{site.address}/gallery?index=photos")
    page.wait_for_selector(".cell img")
    page.locator(".cell[aria-label*='rocket.jpg']").press("Enter")
    page.get_by_role("button", name="Say what it shows").press("Enter")
    page.keyboard.type("A launcher waits on its pad at nightfall.")
    page.get_by_role("button", name="Keep these words").press("Enter")
    page.wait_for_selector(".source .describing.person")
    assert page.evaluate("document.activeElement.textContent") == "Change"
    for _ in range(240):
        if page.evaluate(FOUND):
            break
        page.wait_for_timeout(500)
    else:
        pytest.fail("the words are not found")
    page.reload()
    page.locator(".cell[aria-label*='A launcher waits']").press("Enter")
    page.wait_for_selector(".source .describing.person")
    assert "A launcher waits on its pad at nightfall." in page.inner_text(".source .describing")

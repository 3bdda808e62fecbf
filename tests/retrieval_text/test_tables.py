"""Rows of tables say by themselves what they are about."""

from __future__ import annotations

from foveal.retrieval.sentences import sentences
from foveal.retrieval.tables import unfolded

TABLE = "Depths\n\n| Pier | Depth |\n| --- | --- |\n| North | 4 m |\n| South \\| old |  |\n\nAsk the office."


def test_every_row_is_a_sentence_with_the_names_of_its_columns() -> None:
    text = unfolded(TABLE)
    said = [text[slice(*span)] for span in sentences(text)]
    assert said == ["Depths", "Pier: North; Depth: 4 m", "Pier: South | old", "Ask the office."]


def test_a_cell_under_no_name_stands_for_itself() -> None:
    chart = "Berths\n| | Spring | Summer |\n| --- | --- | --- |\n| Ferries | 20 | 31 |"
    assert "Ferries; Spring: 20; Summer: 31" in unfolded(chart)


def test_a_second_table_has_its_own_head_and_a_row_without_one_stays() -> None:
    text = unfolded("| a |\n| --- |\n| 1 |\n| b |\n| --- |\n| 2 |\n\n| loose | row |")
    assert [line for line in text.split("\n") if line] == ["a: 1", "b: 2", "| loose | row |"]


def test_a_text_without_tables_is_left_alone() -> None:
    text = "a | b\n--- | ---\nnothing"
    assert unfolded(text) is text

"""Questions whose plans are kept: the same answers on both engines, and after the tables have changed."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from journal.prepared import Statement


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def words(transactional_db: None):
    run("CREATE TABLE words (number integer, word varchar(10))")
    run("INSERT INTO words VALUES (1, 'one'), (2, 'two'), (3, '100%')")
    yield Statement("words", "SELECT number, word FROM words WHERE number >= %s AND word <> %s ORDER BY number")
    run("DROP TABLE words")


def test_rows_come_back_for_the_values_given_each_time(words):
    assert words.all(1, "two") == [(1, "one"), (3, "100%")]
    assert words.first(2, "") == (2, "two")
    assert words.first(4, "") is None
    assert words.first(3, "' OR ''='") == (3, "100%")


def test_a_statement_without_values(words):
    assert Statement("how_many", "SELECT count(*) FROM words").first() == (3,)


def test_a_plan_is_made_once_a_connection(words, django_assert_num_queries):
    with django_assert_num_queries(2) as asked:
        words.first(1, "")
        words.first(2, "")
    if connection.vendor == "postgresql":
        assert all(query["sql"].startswith("EXECUTE words_") for query in asked.captured_queries)


def test_a_column_that_changes_its_type_is_planned_again(words):
    assert words.first(1, "") == (1, "one")
    if connection.vendor == "postgresql":
        run("ALTER TABLE words ALTER word TYPE text")
    assert words.first(1, "") == (1, "one")


def test_another_connection_plans_for_itself(words):
    words.first(1, "")
    connection.close()
    assert words.first(2, "") == (2, "two")


def test_what_the_database_refuses_is_told(words):
    with pytest.raises(DatabaseError):
        Statement("nonsense", "SELECT nothing FROM words").first()
    assert words.first(1, "") == (1, "one")

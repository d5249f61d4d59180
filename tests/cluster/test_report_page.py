"""The page of a report in a browser: at any width, in light and dark, it can be read and asks for nothing."""

import pathlib
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright import sync_api
from playwright.sync_api import expect

from cli import crowd, test_page_of_report
from cluster import browser
from credential_operator.cli import page

MANY, LARGEST = 10_000, 10 << 20
"""How many Credentials a page is for, and how many bytes it may have then."""
CONTRAST = 4.5
"""Of text to what is behind it: level AA of WCAG 2.2."""
WIDE_AND_NARROW = [(1280, "light"), (1280, "dark"), (420, "light"), (420, "dark")]
COLOURS = """() => {
    const luminance = (rgb) => {
        const [r, g, b] = rgb.match(/[\\d.]+/g).map((part) => part / 255)
            .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        const own = getComputedStyle(node).backgroundColor;
        return own.startsWith("rgba") && own.endsWith(" 0)") ? behind(node.parentElement) : own;
    };
    const least = {};
    const texts = "h1, dd, dt, td, th, small, b, .badge, a, label, output, figcaption";
    for (const node of document.querySelectorAll(texts)) {
        const shades = [luminance(getComputedStyle(node).color), luminance(behind(node))].sort((a, b) => b - a);
        const name = node.tagName + "." + node.className;
        least[name] = Math.min(least[name] ?? 21, (shades[0] + 0.05) / (shades[1] + 0.05));
    }
    return least;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    with browser.browser() as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The page of a cluster of some size."""
    written = tmp_path_factory.mktemp("pages") / "credentials.html"
    written.write_text(page.html(crowd.report(60)))
    return written


def found(window: browser.Window, table: str = "#all") -> list[str]:
    """Return the names in the rows that are shown."""
    return window.page.locator(f"{table} tbody tr > :first-child > :first-child").all_inner_texts()


@pytest.mark.parametrize(("width", "scheme"), WIDE_AND_NARROW)
def test_a_page_fits_its_window_and_can_be_read(
    chromium: sync_api.Browser,
    file: pathlib.Path,
    tmp_path: pathlib.Path,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    with browser.window(chromium, file, width=width, scheme=scheme) as window:
        window.page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)

        assert window.page.evaluate("() => document.documentElement.scrollWidth") == width
        assert {
            name: ratio for name, ratio in window.page.evaluate(COLOURS).items() if ratio < CONTRAST
        } == {}
        assert len(found(window)) == 60
        assert (window.wrong, window.asked) == ([], [file.as_uri()])


def test_a_table_is_sorted_by_what_is_clicked(chromium: sync_api.Browser, file: pathlib.Path) -> None:
    with browser.window(chromium, file) as window:
        head = window.page.get_by_role("columnheader", name="Credential").get_by_role("button")
        before = found(window)
        head.click()
        ordered = found(window)
        head.click()

        assert found(window) == ordered[::-1] != before
        assert ordered[0] == "aws-backups-2"
        expect(window.page.get_by_role("columnheader", name="Credential")).to_have_attribute(
            "aria-sort", "descending"
        )
        window.page.get_by_role("columnheader", name="Users").get_by_role("button").click()
        users = window.page.locator("#all tbody tr > :nth-child(8)").all_inner_texts()
        counts = [int(text.split()[0]) for text in users]
        assert counts == sorted(counts)
        assert window.wrong == []


def test_what_is_searched_is_found(chromium: sync_api.Browser, file: pathlib.Path) -> None:
    report = crowd.report(60)
    one = report.credentials[7]
    with browser.window(chromium, file) as window:
        told, search = window.page.get_by_role("status"), window.page.get_by_role("searchbox")
        search.fill(f"{one.key_id.lower()} {one.namespace}")
        expect(told).to_have_text("1 of 60 Credentials")
        assert found(window) == [one.name]

        search.fill("")
        window.page.get_by_role("combobox", name="Type").select_option("s3")
        expect(told).to_have_text(
            f"{sum(each.type == 's3' for each in report.credentials)} of 60 Credentials"
        )
        window.page.get_by_role("button", name="Clear").click()
        expect(told).to_have_text("60 Credentials")

        window.page.get_by_role("link", name="unused").click()
        unused = [each.name for each in report.credentials if "Unused" in each.findings]
        expect(told).to_have_text(f"{len(unused)} of 60 Credentials")
        assert found(window) == unused
        assert (window.wrong, window.asked) == ([], [file.as_uri()])


def test_the_list_of_ends_leads_to_the_credential(chromium: sync_api.Browser, file: pathlib.Path) -> None:
    first = min(
        (one for one in crowd.report(60).credentials if one.expires_at), key=lambda one: one.expires_at
    )
    with browser.window(chromium, file) as window:
        window.page.locator(".ending a").first.click()

        expect(window.page.locator(":target")).to_contain_text(first.name)
        assert found(window) == [first.name]


def test_without_a_script_all_of_it_is_there(chromium: sync_api.Browser, file: pathlib.Path) -> None:
    with browser.window(chromium, file, script=False) as window:
        expect(window.page.locator("#all tbody tr")).to_have_count(60)
        expect(window.page.locator("form")).to_be_hidden()
        expect(window.page.locator("#all tbody")).to_be_visible()


@pytest.mark.parametrize("number", range(3))
def test_what_is_hostile_is_text_in_a_browser_too(
    chromium: sync_api.Browser, tmp_path: pathlib.Path, number: int
) -> None:
    written = tmp_path / "hostile.html"
    written.write_text(page.html(test_page_of_report.hostile()[number]))

    with browser.window(chromium, written) as window:
        window.page.get_by_role("columnheader").last.get_by_role("button").click()
        expect(window.page.get_by_role("searchbox")).to_be_visible()
        assert (window.wrong, window.asked) == ([], [written.as_uri()])


@pytest.mark.parametrize("number", [2, 4])
def test_other_documents_are_searched_too(
    chromium: sync_api.Browser, tmp_path: pathlib.Path, number: int
) -> None:
    written = tmp_path / "other.html"
    written.write_text(page.html(test_page_of_report.DOCUMENTS[number]))

    with browser.window(chromium, written) as window:
        window.page.screenshot(path=tmp_path / "other.png", full_page=True)
        window.page.get_by_role("searchbox").fill("nothing is called so")
        expect(window.page.get_by_role("status")).to_contain_text("0 of ")
        assert (window.wrong, window.asked) == ([], [written.as_uri()])


def test_ten_thousand_are_opened_and_searched(chromium: sync_api.Browser, tmp_path: pathlib.Path) -> None:
    report = crowd.report(MANY)
    written = tmp_path / "many.html"
    written.write_text(page.html(report))
    one = report.credentials[-1]

    assert written.stat().st_size < LARGEST
    with browser.window(chromium, written) as window:
        told = window.page.get_by_role("status")
        expect(told).to_have_text(f"{MANY} Credentials")
        assert len(found(window)) == 200
        window.page.get_by_role("searchbox").fill(one.key_id)
        expect(told).to_have_text(f"1 of {MANY} Credentials")
        assert found(window) == [one.name]
        window.page.get_by_role("searchbox").fill("")
        expect(told).to_have_text(f"{MANY} Credentials")
        window.page.get_by_role("button", name="show all").click()
        expect(window.page.locator("#all tbody tr")).to_have_count(MANY)
        assert window.wrong == []

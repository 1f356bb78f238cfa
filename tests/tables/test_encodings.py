"""Encodings: read in the one stated, and an error that says where a file is not in it."""

from __future__ import annotations

import pytest

from analysis.tables import TablesError
from analysis.tables.encodings import likely_encodings
from analysis.tables.strange_files import recognise_file

TEXT = "id,customer,date,amount\n1,{name},2024-01-01,5\n"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("gbk", "北京客户"), ("gb18030", "客户𠀀"), ("utf-16", "北京"), ("utf-16-le", "北京"), ("big5", "客戶"),
     ("latin-1", "Café"), ("cp1252", "Café €"), ("utf-8-sig", "北京 é")],
)  # fmt: skip
def test_a_file_is_read_in_the_encoding_that_is_stated(company, rows, encoding, name):
    prepared = company.prepare_orders(TEXT.format(name=name), {"encoding": encoding}, encoding)
    assert rows(prepared, "customer_id") == [(name,)]


@pytest.mark.parametrize(
    ("encoding", "name", "likely"),
    [("gbk", "北京客户", "gb18030"), ("cp1252", "Café noir", "cp1252"), ("utf-16", "Anna", "utf-16")],
)
def test_a_file_in_another_encoding_is_an_error_with_position_and_likely_encoding(
    company, encoding, name, likely
):
    content = TEXT.format(name=name).encode(encoding)
    position = next(i for i, byte in enumerate(content) if byte >= 0x80) + 1
    with pytest.raises(
        TablesError, match=rf"orders\.csv: byte {position} cannot be read as utf-8.*looks like {likely}"
    ):
        company.prepare_orders(content)
    assert not (company.root / "data").exists()


def test_the_position_is_right_beyond_the_first_piece_of_a_big_file(company):
    line = b"1,x,2024-01-01,5\n"
    content = b"id,customer,date,amount\n" + line * 150_000 + b"2,\xe9\n"  # 2.5 MB: the third megabyte
    with pytest.raises(TablesError, match=f"byte {content.index(0xE9) + 1:,} cannot"):
        company.prepare_orders(content)


def test_utf_16_without_a_mark_is_recognised_by_its_zero_bytes(company):
    with pytest.raises(TablesError, match="zero bytes.*utf-16"):
        company.prepare_orders(TEXT.format(name="x").encode("utf-16-le"))


def test_an_encoding_nobody_knows_is_an_error(company):
    with pytest.raises(TablesError, match="no encoding 'utf-9'; did you mean 'utf-8'"):
        company.prepare_orders(TEXT.format(name="x"), {"encoding": "utf-9"})


def test_utf_8_is_what_text_looks_like_even_if_it_was_cut_inside_a_character():
    assert likely_encodings(b"id,n", "客户".encode()[1:], "gbk") == ["utf-8"]


# --- Other alphabets ------------------------------------------------------------------------------

HEADINGS = {
    "cp1251": "Номер заказа;Клиент;Дата заказа;Сумма",
    "cp1253": "Αριθμός παραγγελίας;Πελάτης;Ημερομηνία;Ποσό",
    "cp1255": "מספר הזמנה;לקוח;תאריך הזמנה;סכום",
    "cp1256": "رقم الطلب;العميل;تاريخ الطلب;المبلغ",
    "gb18030": "订单号;客户;日期;金额",
    "gb18030 rare": "龘靐齉齾;订单号;客户名称;下单日期;金额",  # rare characters among frequent ones
    "cp1252": "Numéro;Créé à;Société;Montant",
    "cp932": "注文番号;お客様のお名前;日付;金額です",
}


@pytest.mark.parametrize("encoding", HEADINGS)
def test_words_of_another_alphabet_are_not_taken_for_chinese(encoding):
    data = HEADINGS[encoding].encode(encoding.split()[0])
    assert likely_encodings(data[:4], data)[0] == encoding.split()[0]


@pytest.mark.parametrize("encoding", ["cp1251", "cp1256"])
def test_the_headings_of_a_new_file_are_shown_as_they_were_written(tmp_path, encoding):
    file = tmp_path / "export.csv"
    rows = "1;x;05.01.2026;12,50\n2;y;06.01.2026;7,00\n"
    file.write_bytes(f"{HEADINGS[encoding]}\n{rows}".encode(encoding))
    strange = recognise_file(file, "export.csv")
    assert [heading for heading, _ in strange.columns] == HEADINGS[encoding].split(";")
    assert strange.values["encoding"] == encoding

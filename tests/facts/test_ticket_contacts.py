"""How many contacts a ticket took, and when its customer was next heard of about the same."""

from __future__ import annotations

import pandas as pd

TICKETS = """ticket_id,customer_id,opened_at,topic
t,a,2026-05-01T10:00:00,bill
next,a,2026-05-20T10:00:00,bill
other,a,2026-05-02T10:00:00,delivery
alone,b,2026-05-01T10:00:00,bill
"""
CONTACTS = """contact_id,customer_id,ticket_id,started_at,direction,outcome,topic
1,a,t,2026-05-01T09:58:00,inbound,abandoned,bill
2,a,t,2026-05-01T10:00:30,inbound,answered,
3,a,t,2026-05-02T10:00:00,outbound,answered,
4,a,t,2026-05-30T10:00:00,inbound,answered,
5,a,,2026-05-07T10:00:00,inbound,answered,delivery
6,a,unheard_of,2026-05-08T10:00:00,inbound,answered,delivery
"""


def test_answered_contacts_count_and_the_next_sign_of_life_is_another_contact_or_ticket(open_company):
    book = open_company({"tickets": TICKETS, "contacts": CONTACTS}, "2026Q2")
    rows = book.ask("select * from ticket_contacts").set_index("ticket_id")
    assert rows["contact_count"].to_dict() == {"t": 3, "next": 0, "other": 0, "alone": 0}
    assert rows.loc["t", "contacts_in_time"] == 2  # the one of 30 May came too late
    again = rows["contacted_again_at"]
    assert again["t"] == pd.Timestamp("2026-05-20T10:00:00")  # our own call of 2 May is none
    assert again["next"] == pd.Timestamp("2026-05-30T10:00:00")  # of the same topic
    assert again["other"] == pd.Timestamp("2026-05-07T10:00:00")
    assert pd.isna(again["alone"])


def test_without_contacts_another_ticket_is_the_next_sign(open_company):
    rows = open_company({"tickets": TICKETS}, "2026Q2").ask("select * from ticket_contacts")
    assert rows.set_index("ticket_id")["contacted_again_at"].dropna().to_dict() == {
        "t": pd.Timestamp("2026-05-20T10:00:00")
    }

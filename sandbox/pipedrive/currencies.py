"""The currencies that the account knows: code to (name, symbol, decimal places)."""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive.call import Answer, Call

CURRENCIES: Final = {
    "USD": ("US Dollar", "$", 2),
    "EUR": ("Euro", "€", 2),
    "GBP": ("British Pound", "£", 2),
    "CAD": ("Canadian Dollar", "CA$", 2),
    "MXN": ("Mexican Peso", "MX$", 2),
    "AUD": ("Australian Dollar", "A$", 2),
    "NZD": ("New Zealand Dollar", "NZ$", 2),
    "CHF": ("Swiss Franc", "CHF", 2),
    "SEK": ("Swedish Krona", "kr", 2),
    "NOK": ("Norwegian Krone", "kr", 2),
    "DKK": ("Danish Krone", "kr", 2),
    "JPY": ("Japanese Yen", "¥", 0),
    "CNY": ("Chinese Yuan", "CN¥", 2),
    "INR": ("Indian Rupee", "₹", 2),
    "BRL": ("Brazilian Real", "R$", 2),
    "ILS": ("Israeli Shekel", "₪", 2),
    "ZAR": ("South African Rand", "R", 2),
    "THB": ("Thai Baht", "฿", 2),
    "PLN": ("Polish Zloty", "zł", 2),
    "CZK": ("Czech Koruna", "Kč", 2),
    "COP": ("Colombian Peso", "COP", 2),
    "UYU": ("Uruguayan Peso", "UYU", 2),
    "JMD": ("Jamaican Dollar", "J$", 2),
}


def list_currencies(_account: Any, call: Call) -> Answer:
    term = str(call.query.get("term", "")).casefold()
    return Answer(
        [
            {
                "id": number,
                "code": code,
                "name": name,
                "decimal_points": places,
                "symbol": symbol,
                "active_flag": True,
                "is_custom_flag": False,
            }
            for number, (code, (name, symbol, places)) in enumerate(CURRENCIES.items(), 1)
            if term in code.casefold() or term in name.casefold()
        ]
    )

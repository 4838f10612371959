"""Addresses for notices whose beginning no service has: told before anybody waits for a notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paraduxd.api.suggestions import did_you_mean
from paraduxd.core.config.diagnostics import Diagnostic
from paraduxd.core.config.models import Config

# fmt: off
SCHEMES = frozenset({
    "46elks", "acs", "amqp", "amqps", "apprise", "apprises", "aprs", "atalk", "awswhatsapp", "azure", "bale",
    "bark", "barks", "betterstack", "blink1", "bluesky", "brevo", "bsky", "bulksms", "bulkvs", "burstsms",
    "chanify", "clickatell", "clicksend", "cliq", "cm", "d7sms", "dapnet", "dbus", "deltachat", "deltachats",
    "dingtalk", "discord", "dot", "eight00com", "elks", "emby", "embys", "enigma2", "enigma2s", "evolution",
    "evolutions", "exotel", "fcm", "feishu", "firehydrant", "flock", "flowtriq", "flowtriqs", "fluxer", "fluxers",
    "form", "forms", "freemobile", "gchat", "gio", "github", "glib", "gnome", "goalert", "goalerts", "gorush",
    "gorushs", "gotify", "gotifys", "groundmail", "groupme", "growl", "guilded", "gupshup", "hassio", "hassios",
    "http", "https", "httpsms", "humhub", "humhubs", "ifttt", "ilert", "incidentio", "infobip", "instagram", "irc",
    "ircs", "jellyfin", "jellyfins", "jira", "join", "json", "jsons", "kakao", "kakaotalk", "kaleyra", "kavenegar",
    "kde", "klr", "kodi", "kodis", "kook", "kudosity", "kumulos", "lametric", "lametrics", "lark", "lauther", "lfg",
    "line", "macosx", "mailersend", "mailgun", "mailto", "mailtos", "mastodon", "mastodons", "matrix", "matrixs",
    "misskey", "misskeys", "mmost", "mmosts", "mobilemessage", "mobilemsg", "mqtt", "mqtts", "msg91", "msgbird",
    "ncloud", "nclouds", "nctalk", "nctalks", "nexmo", "nostr", "notica", "noticas", "notifiarr", "notifico",
    "notificos", "notifyapp", "notifyre", "ntfy", "ntfys", "o365", "octopush", "onebot", "onebots", "onesignal",
    "opsgenie", "opsimate", "opsimates", "pagerduty", "pagertree", "parsep", "parseps", "pbul", "pinglet",
    "pinglets", "pingram", "pjet", "pjets", "plivo", "postmark", "pover", "prowl", "psafer", "psafers", "push",
    "pushdeer", "pushdeers", "pushed", "pushme", "pushplus", "pushward", "pushy", "qq", "qt", "reddit", "resend",
    "revolt", "ringc", "rocket", "rockets", "rsyslog", "ryver", "schan", "sendgrid", "sendpulse", "serwersms",
    "ses", "session", "sessions", "seven", "sfr", "signal", "signalgrid", "signals", "signl4", "simplepush",
    "sinch", "slack", "smpp", "smpps", "smsc", "smseagle", "smseagles", "smsmanager", "smsmgr", "smstunnel",
    "smtp2go", "sns", "sogs", "sparkpost", "spike", "splunk", "spugpush", "spush", "squadcast", "stackfield",
    "strmlabs", "synology", "synologys", "syslog", "telesign", "telnyx", "tgram", "threema", "toot", "toots",
    "trigv", "trigvs", "tweet", "twilio", "twist", "twitter", "vapid", "viber", "victorops", "voipms", "vonage",
    "webex", "wechat", "wecom", "wecombot", "whapi", "whatsapp", "windows", "workflow", "workflows", "wpush",
    "wxpusher", "wxteams", "x", "xbmc", "xbmcs", "xmatters", "xml", "xmls", "xmpp", "xmpps", "youlmk", "zalo",
    "zcliq", "zohocliq", "zoom", "zulip",
})
# fmt: on
"""What addresses begin with that apprise sends to; a test compares them with the installed one."""


def findings(config: Config) -> Iterator[Diagnostic]:
    """A warning for each in a config; for one that is to be saved it is an error (`keeper/config/notify_check.py`)."""
    for index in unknown(config.notify):
        yield Diagnostic("warning", ("notify", index), *why(config.notify[index]))


def unknown(addresses: Sequence[str]) -> list[int]:
    """Which of them begin with what no service has."""
    return [index for index, address in enumerate(addresses) if _scheme(address) not in SCHEMES]


def why(address: str) -> tuple[str, str]:
    """A sentence that repeats nothing but how the address begins, and the nearest beginning that there is."""
    scheme = _scheme(address)
    nearest = did_you_mean(scheme, SCHEMES, "see https://appriseit.com/services/ for what there is")
    return f"no service has addresses that begin with {scheme}://: nothing can be sent there", nearest


def _scheme(address: str) -> str:
    return address.partition(":")[0].lower()

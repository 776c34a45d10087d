"""URLs that a request can name: spellings that are none, and spellings of what lies inside."""

from __future__ import annotations

_HOSTS = (
    *("xn--", "xn--a", "xn--zzzzzz", "xn--" + "a" * 70, "a" * 64 + ".invalid", ".".join(["a" * 60] * 10), "_", "-1"),
    *("\u3002", "a\u3002b", "\u2488.invalid", "①②⑦.0.0.1", "\u00ad", "a\u00adb", "\u200d", "\u200d.invalid", "\u202e"),
    *("☃.invalid", "İstanbul.invalid", "ß.invalid", "\u05d0a", "1\u05d0", "٣٣.invalid", "\U0001f600.invalid", "é"),
    *("a\0b", "a b", "a\tb", "a\nb", "%00", "%zz", "%", "%ff", "localhost%00", "a\\b", "a#b", "a?b", "", "/", "//"),
    *("[", "]", "[]", "[::", "[::1", "::1]", "[::1]x", "[::1]:", "[::1]:x", "[v1.a]", "[:::]", "[::1%lo]", "[1.2.3.4]"),
    *("a..b", ".", "..", ".a", "a.", "1.2.3.4.5", "256.256.256.256", "99999999999999999999", "0xg", "0x", "1e3"),
    *("a:", "a:0", "a:65536", "a:99999", "a:-1", "a:+1", "a: 1", "a:１", "a:1:2", "a:0x50", "a:" + "9" * 5000),
    *("@", "u@a", "u:p@a", ":@a", "@a", "a@b@c", "u:p@127.0.0.1"),
    # Found by random spelling: what reads URLs runs over its end.
    "n0'!t-9:=;]<[\u05d0x \"=\u05d0!');@",
)

NO_URL = (
    *(f"http://{host}{path}" for host in _HOSTS for path in ("/", "/x.png", ":80/")),
    *(
        "http://",
        "https://///",
        "http:///a",
        "HTTP://",
        "hTtPs://[",
    ),
    *("http://a.invalid/" + "x" * 100_000, "http://" + "a." * 60_000 + "b", "http://a.invalid/?" + "%" * 1000),
    *("http://a.invalid/\0", "http://a.invalid/%00.png", "http://a.invalid/a b", "http://a.invalid/#\u2028"),
)
"""Each begins like an address of the web, and leads nowhere."""

NO_SCHEME = (
    *("http:", "http:/", "http:a", "http:\\\\a", "http:/\\a"),
    *(
        "ftp://a.invalid/x",
        "file:///etc/passwd",
        "javascript:1",
        "httpx://a",
        "http+unix://a",
        "//a.invalid/x",
        "a",
        " ",
    ),
    *(" http://a.invalid", "http ://a", "://a", "www.a.invalid/x.png", "about:blank", "blob:http://a/b", "\0"),
)
"""Other schemes, and none."""

LOOPBACK = (
    *("127.0.0.1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001"),
    *("127.0.0.2", "127.255.255.254", "0.0.0.0", "0", "00.00.00.00", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%25lo]"),
    *(
        "localhost",
        "LOCALHOST",
        "localhost.",
        "LocalHost.",
        "ｌｏｃａｌｈｏｓｔ",
        "①②⑦.⓪.⓪.①",
        "１２７.0.0.1",
        "127。0。0。1",
    ),
    *("%31%32%37.0.0.1", "loc%61lhost", "127.0.0.1.", "127.0.0.1%00.invalid", "ip6-localhost", "ip6-loopback"),
    *("user@127.0.0.1", "a.invalid@127.0.0.1", "127.0.0.1@a.invalid", "a.invalid:80@127.0.0.1", "[::ffff:0:127.0.0.1]"),
    *("127.0.0.1\\@a.invalid", "a.invalid\\@127.0.0.1", "a.invalid#@127.0.0.1", "a.invalid?@127.0.0.1"),
)
"""This machine, in the spellings that one reader or another takes for it."""

INSIDE = (
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.169.254", "169.254.170.2"),
    *(
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "0.1.2.3",
    ),
    *("[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]"),
    *("[64:ff9b::a00:1]", "[2002:a00:1::1]", "[2001:0:a00:1::]", "[2001:db8::1]", "[100::1]", "[fec0::1]"),
    *("0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "[::a9fe:a9fe]"),
)
"""Other machines of a network that nobody outside is to reach."""

ADDRESSES_INSIDE = (
    *(
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
    ),
    *("::", "::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1"),
    # An IPv4 address within: mapped, compatible, translated, NAT64 (the local prefix too), 6to4, Teredo, ISATAP.
    *("::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1"),
    *("2002:7f00:1::1", "2001:0:a00:1::80ff:fffe", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a9fe:a9fe"),
)
"""What a name can be made to lead to."""

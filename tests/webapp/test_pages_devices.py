"""User-Agents as devices really send them: the family, and the browsers that must be left for Safari."""

from __future__ import annotations

import pytest

from webapp.setup.devices import Device, InApp, detect, in_app_browser

IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
DROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
DROID_VIEW = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/AP4A.250105.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/140.0.7339.51 Mobile Safari/537.36 "
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "

STRINGS = [
    # iPhone and iPad, browsers that install or hand over
    (IOS + "Version/26.0 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    (IOS + "Version/17.5 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    (IOS + "CriOS/140.0.7339.101 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    (IPAD + "Version/16.6 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    (IPAD + "CriOS/139.0.7258.76 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    # Brave calls itself Safari, in its own name only on older versions
    (IOS + "Version/18.5 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    (IOS + "Version/13.3 Brave/1.14.3 Mobile/15E148 Safari/604.1", Device.IPHONE, None),
    (
        "Mozilla/5.0 (iPod touch; CPU iPhone OS 15_8 like Mac OS X) "
        + IOS[IOS.index("AppleWebKit") :]
        + "Version/15.6 Mobile/15E148 Safari/604.1",
        Device.IPHONE,
        None,
    ),
    # Safari, Chrome on an iPad that calls itself a Mac
    (MAC + "Version/26.0 Safari/605.1.15", Device.MAC, None),
    (MAC + "Version/18.6 Safari/605.1.15", Device.MAC, None),
    # browsers that do not install
    (IOS + "FxiOS/142.0 Mobile/15E148 Safari/605.1.15", Device.IPHONE, InApp.FIREFOX),
    (IPAD + "FxiOS/142.0 Mobile/15E148 Safari/605.1.15", Device.IPHONE, InApp.FIREFOX),
    (MAC + "FxiOS/142.0 Safari/605.1.15", Device.MAC, InApp.FIREFOX),
    (IOS + "FxiOS/8.1.1 Focus/8.1.1 Mobile/15E148 Safari/605.1.15", Device.IPHONE, InApp.FIREFOX),
    (IOS + "Focus/7.0.4 Mobile/16B91", Device.IPHONE, InApp.FIREFOX),
    (IOS + "Version/18.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", Device.IPHONE, InApp.DUCKDUCKGO),
    (IOS + "Version/18.6 Mobile/15E148 Safari/605.1.15 Ddg/18.6", Device.IPHONE, InApp.DUCKDUCKGO),
    (IOS + "Version/18.0 EdgiOS/139.0.3405.102 Mobile/15E148 Safari/605.1.15", Device.IPHONE, InApp.EDGE),
    (IOS + "GSA/382.0.793104442 Mobile/15E148 Safari/604.1", Device.IPHONE, InApp.GOOGLE),
    (IOS + "Version/18.6 Mobile/15E148 Safari/604.1 OPT/6.1.2", Device.IPHONE, InApp.OPERA),
    (IOS + "OPiOS/16.0.15.124050 Mobile/15E148 Safari/9537.53", Device.IPHONE, InApp.OPERA),
    # views inside apps
    (IOS + "Mobile/15E148 Safari Line/15.14.0", Device.IPHONE, InApp.LINE),
    (IOS + "Mobile/15E148 Safari Line/14.21.0/iab", Device.IPHONE, InApp.LINE),
    (IPAD + "Mobile/15E148 Safari Line/15.12.1", Device.IPHONE, InApp.LINE),
    (
        IOS + "Mobile/22G86 Instagram 397.0.0.29.82 (iPhone15,4; iOS 18_6; ja_JP; ja)",
        Device.IPHONE,
        InApp.INSTAGRAM,
    ),
    (
        IOS + "Mobile/22G86 [FBAN/FBIOS;FBAV/525.0.0.53.107;FBDV/iPhone15,4;FBLC/ja_JP]",
        Device.IPHONE,
        InApp.FACEBOOK,
    ),
    (IOS + "Mobile/22G86 LightSpeed [FBAN/MessengerLiteForiOS;FBAV/524.0.0;]", Device.IPHONE, InApp.FACEBOOK),
    (IOS + "Mobile/15E148 Twitter for iPhone/11.13", Device.IPHONE, InApp.X),
    (IOS + "Mobile/15E148 YJApp-IOS jp.co.yahoo.ipn.appli/4.130.0", Device.IPHONE, InApp.YAHOO_JAPAN),
    (IOS + "Mobile/15E148", Device.IPHONE, InApp.OTHER),
    (IOS + "Mobile/15E148 MicroMessenger/8.0.62(0x18003e2f) NetType/WIFI Language/ja", Device.IPHONE, InApp.OTHER),
    (IOS + "Mobile/15E148 KAKAOTALK 25.7.0", Device.IPHONE, InApp.OTHER),
    # Android
    (DROID + "Chrome/140.0.0.0 Mobile Safari/537.36", Device.ANDROID, None),
    (DROID + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", Device.ANDROID, None),
    (DROID + "Chrome/139.0.0.0 Mobile Safari/537.36 EdgA/139.0.0.0", Device.ANDROID, None),
    ("Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0", Device.ANDROID, None),
    (DROID_VIEW + "Line/15.13.1/IAB", Device.ANDROID, InApp.LINE),
    (
        DROID_VIEW + "Instagram 396.0.0.46.242 Android (35/15; 420dpi; Google; Pixel 8; ja_JP)",
        Device.ANDROID,
        InApp.INSTAGRAM,
    ),
    (DROID_VIEW + "[FB_IAB/FB4A;FBAV/524.0.0.48.109;]", Device.ANDROID, InApp.FACEBOOK),
    (DROID + "Chrome/139.0.0.0 Mobile DuckDuckGo/5 Safari/537.36", Device.ANDROID, None),
    (DROID + "Chrome/140.0.0.0 Safari/537.36", Device.ANDROID, None),
    # computers
    (MAC + "Version/18.6 Safari/605.1.15 Ddg/18.6", Device.MAC, None),
    (MAC.replace("605.1.15", "537.36") + "Chrome/140.0.0.0 Safari/537.36", Device.MAC, None),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:142.0) Gecko/20100101 Firefox/142.0", Device.MAC, None),
    (WINDOWS + "Chrome/140.0.0.0 Safari/537.36", Device.WINDOWS, None),
    (WINDOWS + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", Device.WINDOWS, None),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0", Device.WINDOWS, None),
    (LINUX + "Chrome/140.0.0.0 Safari/537.36", Device.LINUX, None),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Device.LINUX, None),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
        Device.LINUX,
        None,
    ),
    ("", Device.WINDOWS, None),
    ("curl/8.14.1", Device.WINDOWS, None),
]


def test_table_is_long_enough_to_mean_something() -> None:
    assert len(STRINGS) >= 50


@pytest.mark.parametrize(("user_agent", "device", "app"), STRINGS)
def test_user_agent_tells_the_family_and_the_app(user_agent: str, device: Device, app: InApp | None) -> None:
    assert detect(user_agent) is device
    assert in_app_browser(user_agent) is app

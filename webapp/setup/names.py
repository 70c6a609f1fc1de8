"""What the device families are called on pages."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from webapp.setup.devices import Device

DEVICE_NAMES: Mapping[Device, LazyString] = {
    Device.IPHONE: _l("iPhone, iPad"),
    Device.ANDROID: _l("Android"),
    Device.MAC: _l("Mac"),
    Device.WINDOWS: _l("Windows"),
    Device.LINUX: _l("Linux"),
}

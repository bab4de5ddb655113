"""What the doctor looks at on the machine itself: disk, memory, processor, accelerator, power, heat, clock, rights.

Every probe takes the root of the file system, so that a recorded tree of another machine can be examined, and returns findings;
it changes nothing and plays nothing.
"""

from __future__ import annotations

import grp
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Verdict = Literal["ok", "warning", "fault"]

DISK_FAULT_MB, DISK_WARNING_MB = 100, 1000
MEMORY_FAULT_MB, MEMORY_WARNING_MB = 150, 500
"""The assistant with its default models takes about 350 MB (BENCHMARKS.md)."""

HOT_C, VERY_HOT_C = 85.0, 95.0
"""Jetson Orin slows itself down from 99 degrees C on (Jetson Orin thermal design guide)."""

EARLIEST_YEAR = 2025
"""A clock that shows an earlier year has lost its battery."""

JETPACK = {
    "35.4": "5.1.2",
    "35.5": "5.1.3",
    "35.6": "5.1.4",
    "36.2": "6.0 DP",
    "36.3": "6.0",
    "36.4": "6.1 or 6.2",
    "38.2": "7.0",
}
"""Jetson Linux (L4T) release line -> JetPack, as in NVIDIA's Jetson Linux archive."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. subject: what was looked at; detail: what was found; mend: the one command that mends it, or ""."""

    subject: str
    verdict: Verdict
    detail: str
    mend: str = ""


def read(path: Path) -> str:
    """A small system file without surrounding white space; "" when it is not there."""
    try:
        return path.read_text("utf-8", errors="replace").strip().rstrip("\0")
    except OSError:
        return ""


def by_amount(amount: float, fault: float, warning: float) -> Verdict:
    """The verdict on something of which there should be enough."""
    return "fault" if amount < fault else "warning" if amount < warning else "ok"


def disk(folders: Sequence[Path]) -> list[Finding]:
    """Free space where models, caches and timers go. folders: need not exist yet."""
    found = {}
    for folder in folders:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        found[existing.stat().st_dev] = existing
    findings = []
    for existing in found.values():
        free = shutil.disk_usage(existing).free / 1e6
        verdict = by_amount(free, DISK_FAULT_MB, DISK_WARNING_MB)
        mend = "" if verdict == "ok" else f"du -xh --max-depth=2 {existing} | sort -h | tail"
        findings.append(Finding("disk", verdict, f"{free:.0f} MB free at {existing}", mend))
    return findings


def memory(root: Path) -> Finding:
    """How much memory could still be had without swapping: MemAvailable, proc(5)."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", read(root / "proc/meminfo"), re.M)
    if not match:
        return Finding("memory", "warning", "the kernel does not say how much is free", "cat /proc/meminfo")
    available = int(match.group(1)) * 1024 / 1e6
    verdict = by_amount(available, MEMORY_FAULT_MB, MEMORY_WARNING_MB)
    return Finding(
        "memory", verdict, f"{available:.0f} MB to be had", "" if verdict == "ok" else "ps -e -o rss,args --sort -rss | head"
    )


def processor(root: Path) -> Finding:
    """Which processor, how many cores, how busy."""
    name = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", read(root / "proc/cpuinfo"), re.M)
    cores = os.cpu_count() or 1
    load = float((read(root / "proc/loadavg").split() or ["0"])[0])
    detail = f"{name.group(1) if name else os.uname().machine}, {cores} cores, load {load:.1f}"
    return Finding("processor", "warning" if load > 2 * cores else "ok", detail, "top" if load > 2 * cores else "")


def accelerator(root: Path, has_tensorrt: bool) -> Finding:
    """Is there an NVIDIA GPU, and the library that uses it?"""
    nodes = [path.name for pattern in ("nvidia[0-9]*", "nvhost-gpu", "nvgpu") for path in (root / "dev").glob(pattern)]
    if not nodes:
        return Finding("accelerator", "ok", "none: everything runs on the processor")
    if not has_tensorrt:
        return Finding("accelerator", "warning", "there is a GPU but no TensorRT", "sudo apt install python3-libnvinfer")
    return Finding("accelerator", "ok", f"NVIDIA GPU ({', '.join(sorted(nodes))}) with TensorRT")


def jetson(root: Path) -> list[Finding]:
    """JetPack, power mode and clocks of a Jetson; [] on other machines."""
    release = read(root / "etc/nv_tegra_release")
    match = re.search(r"R(\d+) \(release\), REVISION: (\d+)(?:\.(\d+))?", release)
    if not match:
        return []
    line = f"{match.group(1)}.{match.group(2)}"
    board = read(root / "proc/device-tree/model") or "Jetson"
    known = JETPACK.get(line)
    jetpack = f"JetPack {known}" if known else "a JetPack this program does not know"
    verdict: Verdict = "ok" if known and int(match.group(1)) >= 36 else "warning"
    release_finding = Finding(
        "JetPack", verdict, f"{board}, Jetson Linux {line}: {jetpack}", "" if verdict == "ok" else "sudo apt dist-upgrade"
    )
    return [release_finding, *_power_mode(root), _clocks(root)]


def _power_mode(root: Path) -> list[Finding]:
    """The mode that nvpmodel is in, by the files it keeps: pmode:NNNN in its status, names in its configuration."""
    status = re.search(r"pmode:(\d+)", read(root / "var/lib/nvpmodel/status"))
    if not status:
        return [Finding("power mode", "warning", "unknown", "sudo nvpmodel -q")]
    number = int(status.group(1))
    names = re.findall(r"^\s*<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", read(root / "etc/nvpmodel.conf"), re.M)
    modes = {int(found): name for found, name in names}
    name = modes.get(number, "?")
    best = next((found for found in modes if modes[found].startswith("MAXN")), None)
    if best is None or number == best:
        return [Finding("power mode", "ok", f"{name} ({number})")]
    return [Finding("power mode", "warning", f"{name} ({number}), not the fastest", f"sudo nvpmodel -m {best}")]


def _clocks(root: Path) -> Finding:
    """Has jetson_clocks pinned the clocks? It sets the lowest frequency of every core to its highest."""
    pinned, cores = 0, 0
    for core in sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq")):
        low, high = read(core / "scaling_min_freq"), read(core / "cpuinfo_max_freq")
        cores += 1
        pinned += bool(low) and low == high
    if cores and pinned == cores:
        return Finding("clocks", "ok", "pinned to their highest")
    return Finding("clocks", "warning", "not pinned: the first answer after a rest is slower", "sudo jetson_clocks")


def heat(root: Path) -> Finding | None:
    """The hottest sensor; None where there is none."""
    temperatures = {}
    for zone in (root / "sys/class/thermal").glob("thermal_zone*"):
        value = read(zone / "temp")
        if re.fullmatch(r"-?\d+", value):
            temperatures[read(zone / "type") or zone.name] = int(value) / 1000
    if not temperatures:
        return None
    hottest = max(temperatures, key=lambda zone: temperatures[zone])
    degrees = temperatures[hottest]
    verdict: Verdict = "fault" if degrees >= VERY_HOT_C else "warning" if degrees >= HOT_C else "ok"
    return Finding(
        "heat", verdict, f"{degrees:.0f} degrees C at {hottest}", "" if verdict == "ok" else "sudo jetson_clocks --fan"
    )


def clock(root: Path, now: float | None = None) -> Finding:
    """Does the clock show a possible time, and is it kept right over the network? Alarms ring by it."""
    moment = time.gmtime(time.time() if now is None else now)
    shown = time.strftime("%Y-%m-%d %H:%M UTC", moment)
    if moment.tm_year < EARLIEST_YEAR:
        return Finding("clock", "fault", f"it shows {shown}", "sudo timedatectl set-ntp true")
    if (root / "run/systemd/timesync").is_dir() and not (root / "run/systemd/timesync/synchronized").exists():
        return Finding("clock", "warning", f"{shown}, not set over the network yet", "sudo timedatectl set-ntp true")
    return Finding("clock", "ok", shown)


def permissions(root: Path, camera: bool) -> list[Finding]:
    """May this user use the sound card and, if one is wanted, the camera?"""
    findings = []
    wanted = [("sound card", "snd/pcm*", "audio"), *([("camera device", "video[0-9]*", "video")] if camera else [])]
    for subject, pattern, group in wanted:
        nodes = sorted((root / "dev").glob(pattern))
        closed = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
        if closed:
            findings.append(Finding(subject, "fault", f"no right to use {closed[0]}", f"sudo usermod -aG {group} $USER"))
        elif nodes:
            findings.append(
                Finding(subject, "ok", f"{len(nodes)} device{'s' if len(nodes) > 1 else ''}, group {_group_of(nodes[0])}")
            )
    return findings


def _group_of(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)

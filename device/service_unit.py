"""The systemd unit of the assistant: the text of it, locked down as far as sound, camera and accelerator allow.

Two kinds. A *system* unit runs from boot on, under a user that exists only while it runs, and talks to the sound card directly
(ALSA). A *user* unit runs in a login session, where PipeWire or PulseAudio own the sound card; what a user's manager cannot
enforce (devices, network, file system) is left out of it, as systemd would ignore or refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "edge-assistant"
UNIT = f"{NAME}.service"
CREDENTIAL = "recording.key"
WATCHDOG_SECONDS = 30
"""A blocked event loop is killed and started again after this long."""

STOP_SECONDS = 5
"""Between SIGTERM and SIGKILL. The assistant needs less than 2."""

DATA_HOME = Path("/usr/local/share")
"""The models of the system service are below, in edge-assistant/models: read-only for the service."""

LOCAL_ADDRESSES = "localhost link-local 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"
"""Where a service with a network may connect to: this machine and the networks of homes (RFC 1918, RFC 4193)."""

ACCELERATOR_PATTERNS = ("nvidia*", "nvhost*", "nvmap", "nvgpu", "dri/renderD*", "nvsciipc")
"""Device nodes of NVIDIA GPUs and of Jetson's GPU, DLA and memory manager, below /dev."""


@dataclass(frozen=True, slots=True)
class UnitOptions:
    """What the unit must allow.

    Attributes:
        command: absolute path of the `assistant` command.
        network: True = it may reach the network (MQTT, chat); False = it has none at all.
        camera: allow video devices.
        accelerator: device nodes of a GPU, such as /dev/nvidia0; () = none. CUDA writes code at run time, so memory that is
            writable and executable is then allowed.
        memory_mb: where the kernel ends it, MB.
        recording: hand it the key of the recordings, which only root can read, as a credential.
    """

    command: Path
    network: bool = False
    camera: bool = True
    accelerator: tuple[Path, ...] = ()
    memory_mb: int = 2048
    recording: bool = False


def accelerator_nodes(root: Path = Path("/")) -> tuple[Path, ...]:
    """The GPU's device nodes that exist below `root`, as absolute paths of the running system."""
    dev = root / "dev"
    found = {path for pattern in ACCELERATOR_PATTERNS for path in dev.glob(pattern) if not path.is_dir()}
    return tuple(Path("/") / path.relative_to(root) for path in sorted(found))


def system_unit(options: UnitOptions) -> str:
    """The text of the unit for the system's manager."""
    groups = [
        "audio",
        *(["video"] if options.camera or options.accelerator else []),
        *(["render"] if options.accelerator else []),
    ]
    lines = [
        *_heading("sound.target" if options.network is False else "sound.target network-online.target"),
        *_life(options),
        "",
        "# Who it is, and the folders it owns",
        "DynamicUser=yes",
        f"SupplementaryGroups={' '.join(groups)}",
        f"ConfigurationDirectory={NAME}",
        f"StateDirectory={NAME}",
        f"CacheDirectory={NAME}",
        f"RuntimeDirectory={NAME}",
        "StateDirectoryMode=0700",
        "CacheDirectoryMode=0700",
        "RuntimeDirectoryMode=0700",
        "UMask=0077",
        *([f"LoadCredential={CREDENTIAL}:/etc/{NAME}/{CREDENTIAL}"] if options.recording else []),
        f"Environment=XDG_CONFIG_HOME=/etc XDG_STATE_HOME=/var/lib XDG_CACHE_HOME=/var/cache XDG_DATA_HOME={DATA_HOME}",
        f"Environment=HOME=/var/cache/{NAME}",
        "",
        "# What it may touch",
        "DevicePolicy=closed",
        "DeviceAllow=char-alsa rw",
        *(["DeviceAllow=char-video4linux rw"] if options.camera else []),
        *(f"DeviceAllow={node} rw" for node in options.accelerator),
        *_network(options.network),
        *SYSTEM_LOCKS,
        *COMMON_LOCKS,
        *_memory_lock(options),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def user_unit(options: UnitOptions) -> str:
    """The text of the unit for a user's manager (PipeWire, PulseAudio)."""
    families = "AF_UNIX AF_INET AF_INET6" if options.network else "AF_UNIX"
    lines = [
        *_heading("pipewire.service pulseaudio.service"),
        *_life(options),
        f"RuntimeDirectory={NAME}",
        "RuntimeDirectoryMode=0700",
        "UMask=0077",
        "",
        f"RestrictAddressFamilies={families}",
        *COMMON_LOCKS,
        *_memory_lock(options),
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _heading(after: str) -> list[str]:
    wants = ["Wants=network-online.target"] if "network-online.target" in after else []
    return [
        "[Unit]",
        "Description=Voice assistant that runs wholly on this device",
        f"After={after}",
        *wants,
        "# A missing microphone is tried again for ever: it may be plugged in later.",
        "StartLimitIntervalSec=0",
        "",
    ]


def _life(options: UnitOptions) -> list[str]:
    return [
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={options.command} -v --log-format journal run --quiet",
        f"ExecReload={options.command} ctl reload",
        f"WatchdogSec={WATCHDOG_SECONDS}",
        "TimeoutStartSec=300",
        f"TimeoutStopSec={STOP_SECONDS}",
        "KillMode=mixed",
        "Environment=ORT_DISABLE_TELEMETRY=1 PYTHONDONTWRITEBYTECODE=1",
        "Restart=on-failure",
        "RestartSec=3",
        "# 78: the configuration is wrong, and stays wrong until somebody mends it",
        "RestartPreventExitStatus=78",
        f"MemoryMax={options.memory_mb}M",
        "MemorySwapMax=0",
        "TasksMax=128",
        "LimitNOFILE=1024",
        "LimitCORE=0",
    ]


def _network(wanted: bool) -> list[str]:
    if wanted:
        return ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "IPAddressDeny=any", f"IPAddressAllow={LOCAL_ADDRESSES}"]
    return ["PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX"]


def _memory_lock(options: UnitOptions) -> list[str]:
    return [] if options.accelerator else ["MemoryDenyWriteExecute=yes"]


SYSTEM_LOCKS = (
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateUsers=yes",
    "PrivateMounts=yes",
    "ProtectProc=invisible",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "PrivateIPC=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "Delegate=no",
)
"""What only the system's manager can enforce."""

COMMON_LOCKS = (
    "NoNewPrivileges=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
)
"""What every manager enforces by seccomp. Refused calls fail instead of killing: libraries probe for what they can do without."""

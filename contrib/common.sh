# Shared by quickstart and test: what is installed, and how. Sourced, never run.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv

# program (or the path of a file)=Debian package
RUNTIME_NEEDS=(
  cryptsetup=cryptsetup-bin debugfs=e2fsprogs mke2fs=e2fsprogs gpg=gnupg gpg-agent=gpg-agent restic=restic rsync=rsync rclone=rclone
  ssh=openssh-client ssh-keyscan=openssh-client tar=tar zstd=zstd
  mkfs.vfat=dosfstools mkfs.exfat=exfatprogs
  /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf=fonts-dejavu-core
)
DEMO_NEEDS=(sshd=openssh-server)
TEST_NEEDS=(
  sshd=openssh-server vim=vim nano=nano ed=ed less=less shellcheck=shellcheck tmux=tmux setsid=util-linux ps=procps git=git
  pdftoppm=poppler-utils zbarimg=zbar-tools openssl=openssl umockdev-wrapper=umockdev strace=strace vsftpd=vsftpd wget=wget sfdisk=fdisk node=nodejs npm=npm mandoc=mandoc
  systemd-analyze=systemd
)
# for tests/system: a virtual machine and what its sticks are made with
SYSTEM_NEEDS=(
  qemu-system-x86_64=qemu-system-x86 qemu-img=qemu-utils mmdebstrap=mmdebstrap mke2fs=e2fsprogs cpio=cpio mcopy=mtools sfdisk=fdisk setpriv=util-linux
)

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Install the Debian packages whose programs are missing; when not root, name them and stop.
need_programs() {
  local need python missing=()
  for need in "$@"; do
    [[ $need = /* && -e ${need%%=*} ]] && continue
    PATH=$PATH:/usr/sbin:/sbin command -v "${need%%=*}" >/dev/null 2>&1 || missing+=("${need#*=}")
  done
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  if [ "$(id -u)" -ne 0 ]; then
    fail "these packages are missing; as root: apt install ${missing[*]}"
  fi
  say "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Build .venv with Paradux in it; $1 is "" or "[test]". Nothing is done when it is up to date.
build_venv() {
  local extras=${1:-} stamp wanted
  stamp=$VENV/.paradux-built
  wanted="$extras $(sha256sum "$ROOT/pyproject.toml" | cut -d' ' -f1) $(python3 -V)"
  if [ -x "$VENV/bin/paraductl" ] && [ -f "$stamp" ]; then
    case "$(cat "$stamp")" in
      "$wanted") return 0 ;;
      "[test]${wanted# }" | "[test] ${wanted# }") return 0 ;;
    esac
  fi
  say "Building $VENV"
  [ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
  # The plain path file instead of an import hook: the hook would cost every start of the client 20 ms.
  "$VENV/bin/pip" --quiet --quiet --disable-pip-version-check install --config-settings editable_mode=compat --editable "$ROOT$extras"
  printf '%s\n' "$wanted" >"$stamp"
}

# An independent SLIP-39 for tests/recovery, as its package-lock.json has it. Nothing is done when it is up to date.
build_interop() {
  local folder=$ROOT/tests/recovery/interop
  cmp -s "$folder/package-lock.json" "$folder/node_modules/.paradux-built" && return 0
  say "Building $folder/node_modules"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
  cp "$folder/package-lock.json" "$folder/node_modules/.paradux-built"
}

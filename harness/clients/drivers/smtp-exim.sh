# Hands one mail to Exim and has it delivered in the foreground, without a queue runner. Exim gives up
# root on the way: what it writes must be its own user's.
set -eu
mkdir spool log
if [ "$(id -u)" = 0 ]; then
    chmod 755 .
    chmod 644 ca.pem exim.conf
    chown Debian-exim spool log
fi
printf 'From: a@example.org\nTo: b@example.org\nSubject: t\n\n%s\n' "$UPWARD_BODY" |
    exim4 -C "$UPWARD_DIR/exim.conf" -odf -f a@example.org b@example.org

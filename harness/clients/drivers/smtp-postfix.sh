# Starts Postfix in this folder, in the foreground, and keeps a copy of its log. `postfix start-fg` would
# first look, slowly, whether everything is as it should be.
set -eu
umask 022
# Its programs close all files that they could have open.
ulimit -n 1024
mkdir -p data queue
(
    cd queue
    mkdir active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace
    chown postfix:root active bounce corrupt defer deferred flush hold incoming private saved trace
    chown postfix:postdrop maildrop public
    chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
    chmod 730 maildrop
    chmod 710 public
)
chmod 755 . etc
chmod 644 etc/main.cf etc/master.cf ca.pem
chown postfix data

# Its sockets are in its queue, and a socket's path has at most 107 bytes.
short=$(mktemp -u /tmp/upward.XXXXXXXX)
ln -s "$PWD/queue" "$short"
trap 'rm -f "$short"' EXIT
trap exit TERM
sed -i "s|^queue_directory = .*|queue_directory = $short|" etc/main.cf
/usr/lib/postfix/sbin/master -c "$MAIL_CONFIG" -s 2>&1 | tee log &
wait

# Sends one mail with Perl's Net::SMTP, TLS required.
use strict;
use warnings;
use Net::SMTP;

my $smtp = Net::SMTP->new($ENV{UPWARD_HOST}, Port => $ENV{UPWARD_PORT}, Hello => 'client.example')
    or die "connect: $@";
$smtp->starttls(
    SSL_ca_file       => $ENV{UPWARD_CA},
    SSL_verify_mode   => 1,
    SSL_verifycn_name => $ENV{UPWARD_HOST},
) or die 'starttls: ', $smtp->message;
$smtp->auth($ENV{UPWARD_USER}, $ENV{UPWARD_PASSWORD}) or die 'auth: ', $smtp->message;
$smtp->mail('a@example.org') or die 'mail: ', $smtp->message;
$smtp->to('b@example.org') or die 'to: ', $smtp->message;
$smtp->data("Subject: t\n\n$ENV{UPWARD_BODY}\n") or die 'data: ', $smtp->message;
$smtp->quit;

# Fetches mail through Perl's Net::POP3, TLS required.
use strict;
use warnings;
use Net::POP3;

my $client = Net::POP3->new($ENV{UPWARD_HOST}, Port => $ENV{UPWARD_PORT}) or die "connect: $@";
$client->starttls(
    SSL_ca_file => $ENV{UPWARD_CA}, SSL_verify_mode => 1, SSL_verifycn_name => $ENV{UPWARD_HOST},
) or die "starttls: " . $client->message;
defined $client->login($ENV{UPWARD_USER}, $ENV{UPWARD_PASSWORD}) or die "login: " . $client->message;
$client->get(1) or die "get: " . $client->message;
$client->quit;

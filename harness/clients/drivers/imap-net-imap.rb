# Logs in through Ruby's net/imap, TLS required, and appends a message.
require 'net/imap'

client = Net::IMAP.new(ENV['UPWARD_HOST'], port: ENV['UPWARD_PORT'].to_i)
client.starttls(ca_file: ENV['UPWARD_CA'], verify_mode: OpenSSL::SSL::VERIFY_PEER)
client.login(ENV['UPWARD_USER'], ENV['UPWARD_PASSWORD'])
client.append('INBOX', "Subject: t\r\n\r\n" + ENV['UPWARD_BODY'])
client.logout

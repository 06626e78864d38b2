# Sends one mail with Ruby's net/smtp, TLS required.
require 'net/smtp'

smtp = Net::SMTP.new(ENV['UPWARD_HOST'], ENV['UPWARD_PORT'].to_i)
context = OpenSSL::SSL::SSLContext.new
context.set_params(ca_file: ENV['UPWARD_CA'], verify_mode: OpenSSL::SSL::VERIFY_PEER)
smtp.enable_starttls(context)
smtp.start('client.example', ENV['UPWARD_USER'], ENV['UPWARD_PASSWORD'], :plain) do |session|
  mail = "Subject: t\r\n\r\n#{ENV['UPWARD_BODY']}\r\n"
  session.send_message(mail, 'a@example.org', 'b@example.org')
end

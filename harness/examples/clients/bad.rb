# BAD: goes on in clear if the server does not offer STARTTLS or refuses it (like CVE-2016-0772). An attacker who
# removes the offer, or forges a refusal, reads the password and the mail. `diff good.rb bad.rb` shows the mistake.
#
# ruby bad.rb HOST PORT CA < message
# Without arguments it reads UPWARD_HOST, UPWARD_PORT and UPWARD_CA; the login is in UPWARD_USER and UPWARD_PASSWORD.
require 'openssl'
require 'socket'
require 'timeout'

class Connection
  attr_reader :stream, :buffer

  def initialize(stream)
    @stream, @buffer = stream, +''
  end

  def line
    @buffer << @stream.readpartial(4096) until @buffer.include?("\r\n")
    @buffer.slice!(0..@buffer.index("\r\n") + 1).chomp.upcase(:ascii)
  end

  # Returns the lines of the next reply; raises an error if its code is not `code`.
  def reply(code)
    lines = []
    while lines.empty? || lines.last[3] == '-'
      lines << line
      raise "the server did not answer with #{code}" unless lines.last.match?(/\A#{code}([ -]|\z)/)
    end
    lines
  end

  def command(text, code)
    @stream.write(text + "\r\n")
    reply(code)
  end
end

def start_tls(socket, host, ca)
  context = OpenSSL::SSL::SSLContext.new
  context.set_params(ca_file: ca, verify_mode: OpenSSL::SSL::VERIFY_PEER, verify_hostname: true)
  tls = OpenSSL::SSL::SSLSocket.new(socket, context)
  tls.hostname = host
  tls.connect
end

def send_mail(host, port, ca, user, password, message)
  server = Connection.new(TCPSocket.new(host, port))
  server.reply(220)
  offered = server.command('EHLO client.example', 250).any?(/\A250[ -]STARTTLS\z/)
  # The mistake: without an offer, or after a refusal (4xx or 5xx), the session stays in clear.
  if offered && server.command('STARTTLS', '(?:220|[45]\d\d)').last.start_with?('220')
    raise 'the reply to STARTTLS is followed by more data in clear' unless server.buffer.empty?
    server = Connection.new(start_tls(server.stream, host, ca))
    server.command('EHLO client.example', 250)
  end
  server.command('AUTH PLAIN ' + ["\0#{user}\0#{password}"].pack('m0'), 235)
  server.command('MAIL FROM:<a@x.test>', 250)
  server.command('RCPT TO:<b@x.test>', 250)
  server.command('DATA', 354)
  lines = message.lines(chomp: true).map { |line| line.start_with?('.') ? ".#{line}" : line }
  server.command((lines + ['.']).join("\r\n"), 250)
  server.stream.write("QUIT\r\n")
end

host, port, ca = ARGV.empty? ? ENV.values_at('UPWARD_HOST', 'UPWARD_PORT', 'UPWARD_CA') : ARGV
message = $stdin.read
message = "Subject: test\n\n#{ENV['UPWARD_BODY']}" if message.empty?
begin
  Timeout.timeout(15) { send_mail(host, port, ca, ENV['UPWARD_USER'], ENV['UPWARD_PASSWORD'], message) }
rescue StandardError => error
  abort "not sent: #{error.message}"
end

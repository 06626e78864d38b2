;; Sends one mail with Emacs' smtpmail, TLS required.
(require 'smtpmail)
(require 'gnutls)
(setq gnutls-trustfiles (list (getenv "UPWARD_CA"))
      gnutls-verify-error t
      network-security-level 'high
      auth-sources (list (expand-file-name ".emacs.d/authinfo"))
      smtpmail-smtp-server (getenv "UPWARD_HOST")
      smtpmail-smtp-service (string-to-number (getenv "UPWARD_PORT"))
      smtpmail-stream-type 'starttls
      smtpmail-smtp-user (getenv "UPWARD_USER")
      smtpmail-local-domain "client.example"
      user-mail-address "a@example.org"
      mail-header-separator "--text follows this line--")
(with-temp-buffer
  (insert "From: a@example.org\nTo: b@example.org\nSubject: t\n"
          mail-header-separator "\n" (getenv "UPWARD_BODY") "\n")
  (smtpmail-send-it))

import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Sends one mail with Angus Mail, TLS required. Arguments: host, port, file with the authority to
 * trust, user, password, data.
 */
public final class Send {
    private Send() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 6) {
            // Its manifest does not name it; Maven leaves it beside the classes.
            Properties angus = new Properties();
            String place = "/META-INF/maven/org.eclipse.angus/angus-mail/pom.properties";
            try (InputStream known = Send.class.getResourceAsStream(place)) {
                angus.load(known);
            }
            System.out.println("angus-mail " + angus.getProperty("version"));
            return;
        }
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (FileInputStream pem = new FileInputStream(arguments[2])) {
            var certificate = CertificateFactory.getInstance("X.509").generateCertificate(pem);
            trusted.setCertificateEntry("authority", certificate);
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);

        Properties wanted = new Properties();
        wanted.put("mail.smtp.host", arguments[0]);
        wanted.put("mail.smtp.port", arguments[1]);
        wanted.put("mail.smtp.localhost", "client.example");
        wanted.put("mail.smtp.auth", "true");
        wanted.put("mail.smtp.starttls.enable", "true");
        wanted.put("mail.smtp.starttls.required", "true");
        wanted.put("mail.smtp.ssl.checkserveridentity", "true");
        wanted.put("mail.smtp.ssl.socketFactory", context.getSocketFactory());
        MimeMessage mail = new MimeMessage(Session.getInstance(wanted));
        mail.setFrom(new InternetAddress("a@example.org"));
        mail.setRecipient(Message.RecipientType.TO, new InternetAddress("b@example.org"));
        mail.setSubject("t");
        mail.setText(arguments[5]);
        Transport.send(mail, arguments[3], arguments[4]);
    }
}

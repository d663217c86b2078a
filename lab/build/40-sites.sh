# Certificates and a dozen sites, laid out as InterWorx lays them out.
certificate() { # FILE.crt FILE.key NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj "/CN=$3" \
        -addext "subjectAltName=DNS:$3,DNS:www.$3" -addext basicConstraints=critical,CA:FALSE -keyout "$2" -out "$1" 2>/dev/null
    chmod 600 "$2"
}
panel=/usr/local/interworx
certificate $panel/etc/ssl/server.crt $panel/etc/ssl/server.key iwx1.lab.invalid
certificate /etc/pki/tls/certs/mail.crt /etc/pki/tls/private/mail.key iwx1.lab.invalid
mkdir -p /var/qmail/control
cat /etc/pki/tls/private/mail.key /etc/pki/tls/certs/mail.crt >/var/qmail/control/servercert.pem
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
printf 'postmaster@lab.invalid:{PLAIN}not-a-real-secret-10:89:89::/home/vpopmail\n' >/etc/dovecot/users

cat >/etc/httpd/conf.d/vhost_000_default.conf <<'END'
<VirtualHost *:80>
    ServerName iwx1.lab.invalid
    DocumentRoot /var/www/html
</VirtualHost>
<VirtualHost *:443>
    ServerName iwx1.lab.invalid
    DocumentRoot /var/www/html
    SSLEngine on
    SSLCertificateFile /etc/pki/tls/certs/mail.crt
    SSLCertificateKeyFile /etc/pki/tls/private/mail.key
</VirtualHost>
END
echo '<html><title>iwx1.lab.invalid</title>default page</html>' >/var/www/html/index.html

for number in $(seq -w 1 12); do
    user=site$number domain=site$number.example.invalid
    html=/home/$user/$domain/html var=/home/$user/var/$domain
    mkdir -p $html $var/logs $var/ssl
    certificate $var/ssl/$domain.crt $var/ssl/$domain.priv.key $domain
    case $number in
    11) echo '<?php header("Location: https://site11.example.invalid/", true, 301);' ;;
    12) echo '<?php header("WWW-Authenticate: Basic realm=\"members\"", true, 401); echo "members only\n";' ;;
    *) echo "<?php echo '<html><title>$domain</title><body>Welcome to $domain</body></html>', \"\\n\";" ;;
    esac >$html/index.php
    cat >/etc/httpd/conf.d/vhost_$domain.conf <<END
<VirtualHost *:80>
    ServerName $domain
    ServerAlias www.$domain
    DocumentRoot $html
    CustomLog $var/logs/transfer.log common
    ErrorLog $var/logs/error.log
</VirtualHost>
<VirtualHost *:443>
    ServerName $domain
    ServerAlias www.$domain
    DocumentRoot $html
    CustomLog $var/logs/transfer-ssl.log common
    ErrorLog $var/logs/error-ssl.log
    SSLEngine on
    SSLCertificateFile $var/ssl/$domain.crt
    SSLCertificateKeyFile $var/ssl/$domain.priv.key
</VirtualHost>
END
    chown -R $user:$user /home/$user
    chmod 711 /home/$user /home/$user/$domain /home/$user/var
done
# The one for the fault of that name: made now because it takes a tool that turns the clock back.
mkdir -p /usr/local/lib/iwxlab/expired
faketime '2024-01-01 00:00:00' openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
    -subj /CN=site03.example.invalid -keyout /usr/local/lib/iwxlab/expired/site.key -out /usr/local/lib/iwxlab/expired/site.crt 2>/dev/null

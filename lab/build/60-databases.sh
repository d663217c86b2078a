# Two MariaDB data directories with the accounts that iworx.ini names.
panel=/usr/local/interworx
mkdir -p /run/mariadb /var/lib/mysql $panel/mysql/data
chown mysql:mysql /run/mariadb
chown -R iworx:iworx $panel/mysql
chown -R mysql:mysql /var/lib/mysql
install_database() { # DEFAULTS-FILE
    mariadb-install-db --defaults-file="$1" --auth-root-authentication-method=normal --skip-test-db \
        --cross-bootstrap --skip-name-resolve >/run/install-db.log 2>&1 || { cat /run/install-db.log >&2; exit 1; }
}
install_database $panel/mysql/my.cnf
install_database /etc/my.cnf
{
    echo 'FLUSH PRIVILEGES;'
    for name in iworx iworx_vpopmail iworx_ftp iworx_spam iworx_roundcube; do echo "CREATE DATABASE $name;"; done
    echo "CREATE USER iworx@localhost IDENTIFIED BY 'not-a-real-secret-1';"
    echo 'GRANT ALL ON *.* TO iworx@localhost WITH GRANT OPTION;'
    # Names made up: nothing is public about where the panel keeps its nodes and commands.
    echo 'CREATE TABLE iworx.nodes (id INT PRIMARY KEY, hostname VARCHAR(255) NOT NULL, ipaddr VARCHAR(64) NOT NULL);'
    printf '%s ' 'CREATE TABLE iworx.command_queue (id INT PRIMARY KEY AUTO_INCREMENT, node_id INT NOT NULL,' \
        'command TEXT NOT NULL, status VARCHAR(16) NOT NULL, created DATETIME NOT NULL, updated DATETIME NOT NULL,' \
        'attempts INT NOT NULL);'
    echo
} | mariadbd --defaults-file=$panel/mysql/my.cnf --bootstrap >/run/bootstrap.log 2>&1 || { cat /run/bootstrap.log >&2; exit 1; }
{
    echo 'FLUSH PRIVILEGES;'
    echo 'CREATE DATABASE site01_shop;'
    echo "CREATE USER iworx@localhost IDENTIFIED BY 'not-a-real-secret@3';"
    echo 'GRANT ALL ON *.* TO iworx@localhost WITH GRANT OPTION;'
    # As on a provisioned server: root is refused, the account of rootdsn is its equal.
    echo "ALTER USER root@localhost IDENTIFIED BY 'not-a-real-secret-11';"
} | mariadbd --defaults-file=/etc/my.cnf --bootstrap >/run/bootstrap.log 2>&1 || { cat /run/bootstrap.log >&2; exit 1; }
printf '[client]\nuser=iworx\npassword=not-a-real-secret@3\n' >/root/.my.cnf
chmod 600 /root/.my.cnf
chown -R iworx:iworx $panel/mysql/data
chown -R mysql:mysql /var/lib/mysql
rm -rf /run/mariadb

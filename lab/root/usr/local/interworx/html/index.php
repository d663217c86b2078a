<?php header('Location: /nodeworx/', true, 302);
